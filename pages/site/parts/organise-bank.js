// What all pages about the question bank share.
import { alsoWords } from "./language.js";
import { html, t } from "./page.js";

await alsoWords("organise-bank");
await alsoWords("organise-bank-terms");

export const DIFFICULTIES = ["easy", "medium", "hard"];
export const KINDS = ["single", "multiple", "true_false"];
export const FORMATS = ["xlsx", "csv", "gift", "aiken", "moodle_xml", "qti22", "qti30"];
const ENDINGS = { xlsx: "xlsx", csv: "csv", gift: "txt", aiken: "txt", moodle_xml: "xml", qti22: "zip", qti30: "zip" };

/** The name of a file of this format. */
export function nameOf(what, format) {
  return `${what}-${format}.${ENDINGS[format]}`;
}

/** The bank has the right answers: a key that only reads does not see them. */
export function noKey() {
  return html`<p class="fair">${t("bank.no-key")}</p><p><a href="/organise">${t("organise.overview")}</a></p>`;
}
