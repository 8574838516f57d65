// Work that takes longer than a request: asked for again until it is done, with how far it is.
import { html, update } from "./page.js";

const POLL_SECONDS = 1.5;

export function pause(seconds) {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

/** Read again and again until nothing is under way any more. A read that fails is tried again. */
export async function until(isDone, read, seconds = POLL_SECONDS) {
  while (!isDone()) {
    await pause(seconds);
    if (document.hidden) continue;
    await read().catch(() => {});
    update();
  }
}

/** How far some work is: `done` of `most`, percent if nothing else is said. `done` null: nobody knows. */
export function progress(words, done = null, most = 100) {
  const isKnown = done !== null && most > 0;
  return html`<p role="status">
    <label>${words}${isKnown ? ` ${Math.floor((100 * done) / most)}%` : ""}<br>
      ${isKnown ? html`<progress max=${most} .value=${Math.min(done, most)}></progress>` : html`<progress></progress>`}</label>
  </p>`;
}
