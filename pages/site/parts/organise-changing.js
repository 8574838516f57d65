// Changes by organisers: what stands against one is told in words, and what cannot be taken back is asked about first.
import { Refused } from "./api.js";
import { organise } from "./organiser.js";
import { announce, button, form, html, nothing, t } from "./page.js";

// Somebody else has changed it, or it is not any more as it is shown.
const CONFLICTS = new Set([409, 412]);
let conflict = null;
// The act that is asked about now.
let asked = null;

/** `organise`, for a change. Repeating it must do no harm. */
export async function change(service, path, options) {
  conflict = null;
  try {
    return await organise(service, path, { again: true, ...options });
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
  return html`<section class="card">
    <p>${t(conflict.status === 412 ? "conflict.changed" : "conflict.stands")}</p>
    ${button(t("conflict.load"), reload, { kind: "main" })}
  </section>`;
}

/**
 * A button whose act is asked about first, in its place.
 *
 * `key` names the act on this page. `about`: what will happen, with fields if they are needed; `before` reads what
 * it says. `work` gets the fields.
 */
export function asksFirst(key, words, { about, go = words, work, before = async () => {}, kind = "danger", name = words }) {
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
