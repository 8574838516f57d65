// Acts that are hard to take back ask first, in the page, and say what will happen.
import { alsoWords } from "./language.js";
import { button, html, t } from "./page.js";

await alsoWords("organise-forms");

let asked = "";

/**
 * A button that asks first.
 *
 * `what`: what will happen, a sentence each; `yes`: the words of the button that does it.
 */
export function asksFirst(name, words, { title, what, yes, work, kind = "danger", fields = "" }) {
  if (asked !== name) return html`<p>${button(words, async () => (asked = name), { kind })}</p>`;
  return html`<section class="card next" tabindex="-1" aria-labelledby="sure-${name}">
    <h3 id="sure-${name}">${title}</h3>
    <ul>${what.map((one) => html`<li>${one}</li>`)}</ul>
    ${fields}
    <div class="row">
      ${button(yes, () => answered(work), { kind })}
      ${button(t("forms.keep"), async () => (asked = ""))}
    </div>
  </section>`;
}

async function answered(work) {
  await work();
  asked = "";
}
