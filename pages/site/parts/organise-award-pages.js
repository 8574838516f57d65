// The pages about awards: their words, and their menu, one below the other.
import { alsoWords } from "./language.js";
import { html, nothing, t } from "./page.js";

await alsoWords("organise-awards");

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
