// Corrections of a contest that somebody has begun: first what one would change, then the correction itself.
import { alsoWords } from "../parts/language.js";
import { Refused } from "../parts/api.js";
import { asksFirst, change, conflicted, consequences } from "../parts/organise-changing.js";
import { numberField, tick } from "../parts/organise-fields.js";
import { progress, until } from "../parts/organise-waiting.js";
import { back, path } from "../parts/organise-quiz.js";
import { organise, showToOrganisers } from "../parts/organiser.js";
import { announce, choice, field, form, html, loading, nothing, t, update } from "../parts/page.js";
import { moment } from "../parts/times.js";

await alsoWords("organise-contest-marks");

const KINDS = ["key", "cancelled", "points", "taken_out"];
const FIGURES = ["results", "changed", "raised", "now_passed", "not_passed", "standings"];
const SHOWN_CHARS = 40;
let questions = null;
let corrections = [];
let chosen = new URLSearchParams(location.search).get("question") ?? "";
let kind = "key";
let letters = new Set();
let wanted = null;
let preview = null;

await showToOrganisers(() => t("ways.corrections"), body, async () => {
  const [defined] = await Promise.all([organise("quiz", `${path}/definition`), read()]);
  questions = defined.questions;
  if (!questions.some((one) => one.id === chosen)) chosen = questions[0].id;
  follow();
});

async function read() {
  ({ corrections } = await organise("quiz", `${path}/corrections`));
}

function underWay() {
  return corrections.some((one) => one.regrading && one.regrading.status !== "done");
}

async function follow() {
  await until(() => !underWay(), read);
  update();
}

async function again() {
  preview = null;
  await read();
  follow();
}

function body() {
  if (!questions) return loading();
  return html`
    ${back()}
    ${conflicted(again)}
    <p>${t("correction.explained")}</p>
    ${corrections.length ? html`<h2>${t("correction.made")}</h2><ul class="cards">${corrections.map(made)}</ul>
      <p>${t("correction.bank-too")} <a href="/organise-bank">${t("contests.bank")}</a></p>` : nothing}
    <h2>${t("correction.new")}</h2>
    ${underWay() ? html`<p>${t("correction.wait")}</p>` : asked()}
    ${preview ? previewed() : nothing}
  `;
}

function made(one) {
  const { regrading } = one;
  return html`<li class="card">
    <h3>${textOf(one.question_id)}</h3>
    <p>${t(`correction.was-${one.code}`)} ${one.key ? t("correction.key-now", { key: one.key }) : nothing}${one.code === "points_changed" ? t("correction.points-now", { n: one.points }) : nothing}</p>
    <p class="quiet">${one.reason} · ${one.who} · ${moment(one.at)}</p>
    ${regrading && regrading.status !== "done" ? progress(t("correction.regrading"), regrading.status === "running" ? regrading.percent : null) : nothing}
    ${regrading?.status === "done" ? figuresOf(regrading.figures, null) : nothing}
  </li>`;
}

function asked() {
  const question = questions.find((one) => one.id === chosen);
  const fields = html`
    ${choice("question", t("correction.question"), questions.map((one, n) => [one.id, `${n + 1}. ${short(one.text)}`]), { value: chosen, changed: choose })}
    <section class="card">
      <p class="text">${question.text}</p>
      <ul>${question.options.map((one) => html`<li>${one.id}. ${one.text} ${keyOf(question).includes(one.id) ? html`<strong class="good">${t("item.key")}</strong>` : nothing}</li>`)}</ul>
    </section>
    ${choice("kind", t("correction.kind"), KINDS.map((one) => [one, t(`correction.kind-${one}`)]), { value: kind, changed: (value) => ((kind = value), (preview = null)) })}
    ${kind === "key" ? html`<fieldset><legend>${t("correction.right")}</legend>${question.options.map((one) => tick("letters", `${one.id}. ${one.text}`, { value: one.id, checked: letters.has(one.id), changed: (set) => (set ? letters.add(one.id) : letters.delete(one.id)) }))}</fieldset>` : nothing}
    ${kind === "points" ? numberField("worth", t("correction.points"), { min: 0.5, max: 20, step: 0.5 }) : nothing}
    ${field("reason", t("correction.reason"), { required: true, maxlength: 200, hint: t("correction.reason-hint") })}
  `;
  return form(fields, t("correction.preview"), askForPreview);
}

function choose(id) {
  chosen = id;
  letters = new Set();
  preview = null;
}

async function askForPreview(fields) {
  if (kind === "key" && !letters.size) throw new Refused(422, { detail: t("correction.no-letters") });
  const said = { key: { key: [...letters].sort().join("") }, cancelled: { cancelled: true }, points: { points: Number(fields.worth) }, taken_out: { taken_out: true } }[kind];
  wanted = { question_id: chosen, reason: fields.reason.trim(), ...said };
  preview = await organise("quiz", `${path}/corrections/preview`, { method: "POST", body: wanted });
  update();
  await until(
    () => preview === null || preview.outdated || preview.figures !== null,
    async () => {
      const now = await organise("quiz", `${path}/corrections/preview`);
      // The reader may have chosen something else meanwhile.
      if (preview !== null) preview = now;
    },
  );
  if (preview) announce(t("correction.previewed"));
}

function previewed() {
  return html`<section class="card next" tabindex="-1" aria-labelledby="preview">
    <h3 id="preview">${t("correction.would")}</h3>
    <p>${textOf(preview.question_id)} · ${t(`correction.was-${preview.code}`)} ${preview.key ? t("correction.key-now", { key: preview.key }) : nothing}</p>
    ${preview.outdated ? html`<p class="fair">${t("correction.outdated")}</p>` : preview.figures === null ? progress(t("correction.reading"), preview.percent) : html`
      ${figuresOf(preview.figures, preview.ranks)}
      ${asksFirst("correct", t("correction.do"), {
        about: () => consequences(t("correction.sure"), [
          t("correction.sure-results", { n: preview.figures.changed }),
          t("correction.sure-people", { n: preview.figures.now_passed, less: preview.figures.not_passed }),
          t("correction.sure-told"),
          t("correction.sure-again"),
        ]),
        go: t("correction.do-now"),
        work: correct,
      })}`}
  </section>`;
}

async function correct() {
  // Only if nobody has corrected anything since the preview.
  const made = await change("quiz", `${path}/corrections`, { method: "POST", body: wanted, tag: `"${preview.corrections}"` });
  corrections = made.corrections;
  preview = null;
  announce(t("correction.done"));
  follow();
}

function figuresOf(figures, ranks) {
  return html`<dl>
    ${FIGURES.map((one) => html`<dt>${t(`figures.${one}`)}</dt><dd>${figures[one]}</dd>`)}
    ${ranks === null ? nothing : html`<dt>${t("figures.ranks")}</dt><dd>${ranks}</dd>`}
  </dl>`;
}

/** The key as it is after all corrections. */
function keyOf(question) {
  const last = corrections.filter((one) => one.question_id === question.id).at(-1);
  return last ? (last.key ?? "") : question.key;
}

function textOf(id) {
  return questions.find((one) => one.id === id)?.text ?? id;
}

function short(text) {
  return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text;
}
