// What several organisers may change at once: who changes an older state is told so, and can load the present one.
import { Refused } from "./api.js";
import { alsoWords } from "./language.js";
import { organise } from "./organiser.js";
import { button, html, nothing, t } from "./page.js";

await alsoWords("organise-forms");

const DIFFERS = 412;
let differs = null;

/** Read something with its version: {content, tag}. */
export function tagged(service, path, options = {}) {
  return organise(service, path, { ...options, as: "tagged" });
}

/** Do something that is refused if somebody else has changed what was read. Then `conflict` stands on the page. */
export async function unlessChanged(work) {
  differs = null;
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Refused && error.status === DIFFERS)) throw error;
    differs = error.message;
    // The card is drawn right after this.
    setTimeout(() => document.getElementById("differs")?.focus());
  }
}

/** The words about such a change, with a button that loads the present state. */
export function conflict(load) {
  if (!differs) return nothing;
  const again = async () => {
    await load();
    differs = null;
  };
  return html`<section class="card trouble" id="differs" tabindex="-1" role="alert">
    <p><strong>${t("forms.differs")}</strong> ${differs}</p>
    <p>${button(t("forms.load"), again, { kind: "main" })}</p>
  </section>`;
}
