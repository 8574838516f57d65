// What all pages about one contest share: which one it is, and the ways to the others.
import { alsoWords } from "./language.js";
import { html, nothing, t } from "./page.js";
import { mayChange } from "./organiser.js";

await alsoWords("organise-contest");

export const quizId = new URLSearchParams(location.search).get("quiz") ?? "";
export const path = pathOf(quizId);

export function pathOf(id) {
  return `/quizzes/${encodeURIComponent(id)}`;
}

export function addressOf(page, id = quizId) {
  return `/${page}?quiz=${encodeURIComponent(id)}`;
}

/** The pages of this contest. */
export function ways() {
  const pages = ["trial", "statistics", ...(mayChange() ? ["corrections", "fairness", "literacy"] : [])];
  const shown = mayChange() ? pages : pages.filter((one) => one !== "trial");
  return html`<ul>
    ${shown.map((one) => html`<li><a href=${addressOf(`organise-contest-${one}`)}>${t(`ways.${one}`)}</a></li>`)}
    <li><a href=${addressOf("standings")}>${t("ways.standings")}</a></li>
    <li><a href=${addressOf("hall")}>${t("ways.hall")}</a></li>
    ${mayChange() ? html`<li><a href=${addressOf("organise-awards")}>${t("ways.awards")}</a></li>` : nothing}
  </ul>`;
}

/** The way back to the contest's own page, or to all. */
export function back() {
  return html`<p>${quizId ? html`<a href=${addressOf("organise-contest")}>${t("ways.back")}</a> · ` : nothing}<a href="/organise-contest">${t("ways.all")}</a></p>`;
}

/** What somebody reads whose key may not change this. */
export function onlyRead() {
  return mayChange() ? nothing : html`<p class="fair">${t("ways.only-read")}</p>`;
}
