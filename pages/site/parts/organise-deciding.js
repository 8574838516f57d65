// Acts of organisers about awards: a question first, what stands against an act, and work that takes long.
import { Refused } from "./api.js";
import { alsoWords } from "./language.js";
import { mayChange, organise } from "./organiser.js";
import { announce, button, form, html, nothing, t, update } from "./page.js";

await alsoWords("organise-awards");

const POLL_SECONDS = 2;
// An hour. Whoever loads the page again goes on looking.
const POLLS_MAX = 1800;
// Somebody else has changed it, or something is not any more as the page shows it.
const CONFLICTS = new Set([409, 412]);
let conflict = null;
// The act that is asked about now.
let asked = null;

/**
 * A request to awards that changes something.
 *
 * `tag`: only if it is still as it was read. `isNew`: only if there is no such thing yet.
 */
export async function change(path, { tag = null, isNew = false, ...options }) {
  conflict = null;
  const headers = tag ? { "if-match": tag } : isNew ? { "if-none-match": "*" } : {};
  try {
    // After an act that was done, but not answered, a repeat with a condition would be refused.
    return await organise("awards", path, { again: !tag && !isNew, ...options, headers });
  } catch (error) {
    if (error instanceof Refused && CONFLICTS.has(error.status)) conflict = error;
    throw error;
  }
}

/** What stands below the refusal of a change: how to go on from the present state. */
export function conflicted(load) {
  if (!conflict) return nothing;
  const again = async () => {
    await load();
    conflict = null;
    announce(t("doing.loaded"));
  };
  return html`<section class="card" aria-label=${t("doing.load")}>
    <p>${t(conflict.status === 412 ? "doing.changed" : "doing.stands")}</p>
    ${button(t("doing.load"), again, { kind: "main" })}
  </section>`;
}

/** A button for those who may change something. */
export function act(words, work, options = {}) {
  return mayChange() ? button(words, work, options) : nothing;
}

/**
 * A button whose act is asked about first, in its place.
 *
 * `key` names the act on this page. `about`: what will happen, with fields if they are needed; `before` reads what
 * it says. `work` gets the fields.
 */
export function asksFirst(key, words, { about, go = words, work, before = async () => {}, kind = "danger", name = words }) {
  if (!mayChange()) return nothing;
  const open = async () => {
    await before();
    asked = key;
  };
  const done = async (fields) => {
    await work(fields);
    asked = null;
  };
  if (asked !== key) return button(words, open, { kind, name });
  return html`<section class="inset next" tabindex="-1" aria-label=${name}>
    ${form(about(), go, done, { kind })}
    ${button(t("doing.leave"), async () => (asked = null))}
  </section>`;
}

/** Read again and again until `read` says that the work is done. What it has read is shown each time. */
export async function untilDone(read) {
  for (let polls = 0; polls < POLLS_MAX; polls++) {
    if (!document.hidden && (await read().catch(() => false))) break;
    update();
    await new Promise((resolve) => setTimeout(resolve, POLL_SECONDS * 1000));
  }
  update();
}

/** How far some work is. `most` null: nobody knows how much there is. */
export function progress(words, done = null, most = null) {
  return html`<p role="status">
    <label>${words}<br>${most ? html`<progress max=${most} .value=${Math.min(done, most)}></progress>` : html`<progress></progress>`}</label>
  </p>`;
}

/** The pages about awards, one below the other. */
export function awardPages() {
  const here = document.body.dataset.page;
  const pages = [
    ["organise-awards", t("pages.schemes")],
    ["organise-draws", t("pages.draws")],
    ["organise-selections", t("pages.selections")],
    ["organise-ceremonies", t("pages.ceremonies")],
  ];
  return html`<nav aria-label=${t("pages.name")}>
    <ul>${pages.map(([name, words]) => html`<li><a href="/${name}" aria-current=${name === here ? "page" : nothing}>${words}</a></li>`)}</ul>
  </nav>`;
}
