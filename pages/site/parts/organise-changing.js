// Acts of organisers: what stands against one is told in words, and what cannot be taken back is asked about first.
import { Refused } from "./api.js";
import { mayChange, organise } from "./organiser.js";
import { announce, button, form, html, nothing, t } from "./page.js";

// Somebody else has changed it, or it is not any more as it is shown.
const CONFLICTS = new Set([409, 412]);
let conflict = null;
// The act that is asked about now.
let asked = null;

/**
 * `organise`, for a request that changes something. Repeating it must do no harm.
 *
 * `tag`: only if it is still as it was read. `isNew`: only if there is no such thing yet.
 */
export async function change(service, path, { tag = null, isNew = false, headers = {}, ...options }) {
  conflict = null;
  const condition = tag ? { "if-match": tag } : isNew ? { "if-none-match": "*" } : {};
  try {
    // After an act that was done, but not answered, a repeat with a condition would be refused.
    return await organise(service, path, { again: !tag && !isNew, ...options, headers: { ...headers, ...condition } });
  } catch (error) {
    if (error instanceof Refused && CONFLICTS.has(error.status)) conflict = error;
    throw error;
  }
}

/** What stands below the refusal of a change: how to go on from the present state. */
export function conflicted(load) {
  if (!conflict) return nothing;
  const reload = async () => {
    await load();
    conflict = null;
    announce(t("conflict.loaded"));
  };
  return html`<section class="card" aria-label=${t("conflict.load")}>
    <p>${t(conflict.status === 412 ? "conflict.changed" : "conflict.stands")}</p>
    ${button(t("conflict.load"), reload, { kind: "main" })}
  </section>`;
}

/** A button for those who may change something. */
export function act(words, work, options = {}) {
  return mayChange() ? button(words, work, options) : nothing;
}

/**
 * A button whose act is asked about first, in its place; for those who may change something.
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
    ${button(t("ask.keep"), async () => (asked = null))}
  </section>`;
}

/** What will happen, a sentence each, before somebody says yes. */
export function consequences(question, sentences) {
  return html`<p><strong>${question}</strong></p>
    <ul>${sentences.map((one) => html`<li>${one}</li>`)}</ul>`;
}
