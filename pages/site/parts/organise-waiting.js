// Work that takes longer than a request: asked for again until it is done, with how far it is.
import { html, nothing, update } from "./page.js";

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

/** `percent`: null if nobody knows how far it is. */
export function progress(words, percent = null) {
  return html`<p role="status">
    <label>${words}${percent === null ? nothing : ` ${percent}%`}<br>
      ${percent === null ? html`<progress></progress>` : html`<progress max="100" .value=${percent}></progress>`}</label>
  </p>`;
}
