// All contests and drafts for organisers, with their state, and the way to a new one.
import { addressOf, onlyRead } from "./organise-quiz.js";
import { mayChange, organiseAll } from "./organiser.js";
import { html, keepFresh, loading, nothing, t } from "./page.js";
import { moment } from "./times.js";

const FRESH_SECONDS = 30;
let quizzes = null;
let drafts = [];

export const title = () => t("organise.contest");

export async function load() {
  await keepFresh(async () => {
    [quizzes, drafts] = await Promise.all([
      organiseAll("quiz", "/quizzes", "quizzes"),
      // Drafts have keys, so a viewer's key does not read them.
      mayChange() ? organiseAll("quiz", "/quiz-drafts", "drafts") : [],
    ]);
  }, FRESH_SECONDS);
}

export function body() {
  if (!quizzes) return loading();
  return html`
    ${onlyRead()}
    ${mayChange() ? html`<p><a class="button main" href="/organise-contest-edit">${t("contests.new")}</a> <a class="button" href="/organise-bank">${t("contests.bank")}</a></p>
      <h2>${t("contests.drafts")}</h2>
      ${drafts.length ? html`<ul class="cards">${drafts.map(draft)}</ul>` : html`<p>${t("contests.no-drafts")}</p>`}` : nothing}
    <h2>${t("contests.published")}</h2>
    ${quizzes.length ? html`<ul class="cards">${quizzes.map(card)}</ul>` : html`<p>${t("contest.none")}</p>`}
  `;
}

function draft(one) {
  return html`<li class="card">
    <h3><a href=${addressOf("organise-contest-edit", one.quiz_id)}>${one.title}</a></h3>
    <p><strong class="fair">${t("contests.draft")}</strong> · <span class="time">${moment(one.opens_at)} – ${moment(one.closes_at)}</span> · ${t("contests.questions", { n: one.questions })}</p>
  </li>`;
}

function card(one) {
  const state = one.status === "open" && Date.parse(one.opens_at) > Date.now() ? "soon" : one.status;
  return html`<li class="card" data-quiz=${one.quiz_id}>
    <h3><a href=${addressOf("organise-contest", one.quiz_id)}>${one.title}</a></h3>
    <p><strong class=${state === "open" ? "good" : "quiet"}>${t(`contest.${state}`)}</strong> · <span class="time">${moment(one.opens_at)} – ${moment(one.closes_at)}</span> · ${t("contests.questions", { n: one.questions })}</p>
  </li>`;
}
