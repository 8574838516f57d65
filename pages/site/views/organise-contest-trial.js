// A paper as a participant gets it, of a draft or of a published contest, and how answers would be graded.
import { alsoWords } from "../parts/language.js";
import { addressOf, back, path } from "../parts/organise-quiz.js";
import { organise, showToOrganisers } from "../parts/organiser.js";
import { button, form, html, loading, nothing, t } from "../parts/page.js";
import { inWords } from "../parts/times.js";

await alsoWords("organise-contest-edit");

let paper = null;
let result = null;

await showToOrganisers(() => t("ways.trial"), body, () => read(0));

async function read(number) {
  paper = await organise("quiz", `${path}/trial?paper=${number}`);
  result = null;
}

function body() {
  if (!paper) return loading();
  return html`
    ${paper.draft ? html`<p><a href=${addressOf("organise-contest-edit")}>${t("trial.edit")}</a></p>` : back()}
    <p>${t("trial.explained")}</p>
    <h2>${paper.title}</h2>
    <p>${t("trial.paper", { n: paper.paper + 1, of: paper.papers })} · ${t("contest.time", { time: inWords(paper.duration_seconds) })}</p>
    ${paper.papers > 1 ? html`<p>${button(t("trial.other"), () => read((paper.paper + 1) % paper.papers))}</p>` : nothing}
    ${result ? graded() : form(paper.questions.map(asked), t("trial.grade"), grade)}
  `;
}

function asked(question, n) {
  return html`<fieldset class="card question">
    <legend><span class="quiet">${t("paper.question", { n: n + 1, of: paper.questions.length })} · ${t(`paper.kind-${question.kind}`)} · ${t("paper.points", { n: question.points })}</span>
      ${question.text}</legend>
    ${question.options.map((option) => html`<label class="option">
      <input type=${question.kind === "multiple" ? "checkbox" : "radio"} name=${question.id} value=${option.id}> <span>${option.text}</span>
    </label>`)}
  </fieldset>`;
}

async function grade() {
  const answers = {};
  for (const one of document.querySelectorAll("main fieldset input:checked")) answers[one.name] = (answers[one.name] ?? "") + one.value;
  for (const id of Object.keys(answers)) answers[id] = [...answers[id]].sort().join("");
  result = await organise("quiz", `${path}/trial`, { method: "POST", body: { paper: paper.paper, answers }, again: true });
}

function graded() {
  const wordsOf = (question, letters) => question.options.filter((one) => letters?.includes(one.id)).map((one) => one.text).join("；");
  return html`<section class="card next" tabindex="-1" role="status">
      <p class="score">${t("result.points", { n: result.points, of: result.points_max })}</p>
      <p><strong class=${result.passed ? "good" : "fair"}>${result.score_percent}%</strong></p>
      <p>${button(t("trial.again"), async () => (result = null))}</p>
    </section>
    ${result.questions.map((one) => html`<section class="card">
      <p class="text"><strong>${one.text}</strong></p>
      <p class=${one.right ? "good" : "bad"}>${t(one.right ? "review.right" : "review.wrong")} · ${t("review.points", { n: one.points, of: one.worth })}</p>
      <p>${t("review.yours", { text: wordsOf(one, one.answer) || t("review.nothing") })}</p>
      <p>${t("review.key", { text: wordsOf(one, one.key) })}</p>
      ${one.explanation ? html`<p class="quiet text">${one.explanation}</p>` : nothing}
    </section>`)}`;
}
