// What all pages about the question bank share.
import { alsoWords } from "./language.js";
import { html, nothing, t } from "./page.js";

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

/** A question with its options, the right ones marked. `state`: what stands before its topic. */
export function questionShown(question, state) {
  return html`<p>${state} · ${question.topic} · ${t(`difficulty.${question.difficulty}`)} · ${t(`paper.kind-${question.kind}`)}</p>
    <ul>${question.options.map((one) => html`<li>${one.id}. ${one.text} ${question.key.includes(one.id) ? html`<strong class="good">${t("bank.right")}</strong>` : nothing}</li>`)}</ul>
    ${question.explanation ? html`<p class="text">${question.explanation}</p>` : nothing}`;
}
