// The contests: when, by which rules, and the way in.
import { account, signInAddress } from "../parts/account.js";
import { all, ask } from "../parts/api.js";
import { keptAttempt } from "../parts/attempt.js";
import { store } from "../parts/kept.js";
import { html, keepFresh, loading, nothing, show, t } from "../parts/page.js";
import { named } from "../parts/language.js";
import { inWords, moment } from "../parts/times.js";
import { now, synchronise } from "../parts/server-clock.js";
import { langOf, spoken } from "../parts/spoken.js";

// Thousands wait on this page for the opening. So it is asked seldom.
const FRESH_SECONDS = 60;
let quizzes = null;
let me = null;

show(() => t("menu.contest"), body);
if (account()) ask("registration", "/me").then((found) => (me = found), () => {});
await keepFresh(async () => {
  // The clock decides what is open, so both are waited for.
  [quizzes] = await Promise.all([all("quiz", "/quizzes", "quizzes"), synchronise()]);
  // For the page before an attempt, which asks no service.
  store("contests", Object.fromEntries(quizzes.map((one) => [one.quiz_id, one.title])));
}, FRESH_SECONDS);

function body() {
  if (!quizzes) return loading();
  if (!quizzes.length) return html`<p>${t("contest.none")}</p>`;
  return html`<ul class="cards">${quizzes.map(card)}</ul>`;
}

function card(quiz) {
  const kept = keptAttempt(quiz.quiz_id);
  const id = encodeURIComponent(quiz.quiz_id);
  return html`<li class="card" data-quiz=${quiz.quiz_id}>
    <h2>${spoken(quiz.title)}</h2>
    <p><strong class=${stateOf(quiz) === "open" ? "good" : "fair"}>${t(`contest.${stateOf(quiz)}`)}</strong> · <span class="time">${moment(quiz.opens_at)} – ${moment(quiz.closes_at)}</span></p>
    <ul>
      <li>${t("contest.questions", { n: quiz.questions, points: quiz.points_max })}</li>
      <li>${t("contest.time", { time: inWords(quiz.duration_seconds) })}</li>
      <li>${t("contest.attempts", { n: quiz.attempts_per_day, counts: named("counts", quiz.counts) })}</li>
      <li>${t("contest.pass", { percent: quiz.pass_percent })}</li>
      <li>${t(`contest.scores-${quiz.shows_scores}`)}</li>
      <li>${t("contest.network")}</li>
      ${langOf(quiz.title) === nothing ? nothing : html`<li>${t("contest.in-chinese")}</li>`}
    </ul>
    ${way(quiz, kept, id)}
    <p><a href="/standings?quiz=${id}">${t("contest.standings")}</a>
      ${account() && !kept?.isOpen && stateOf(quiz) !== "soon" ? html` · <a href="/result?quiz=${id}${kept ? `&attempt=${kept.kept.attempt_id}` : ""}">${t("contest.result")}</a>` : nothing}</p>
  </li>`;
}

function way(quiz, kept, id) {
  if (kept && (kept.isOpen || kept.kept.state === "handing-in") && kept.secondsLeft > 0)
    return html`<p><a class="button main" href="/paper?quiz=${id}">${t("contest.go-on")}</a></p>`;
  if (stateOf(quiz) !== "open") return nothing;
  if (!account()) return html`<p>${t("contest.sign-in")}</p><p><a class="button main" href=${signInAddress()}>${t("sign-in.go")}</a></p>`;
  if (quiz.admits !== "anyone" && me && !me.verified)
    return html`<p>${t("contest.verify")}</p>
      <p><a class="button main" href="/sign-in?verify=${encodeURIComponent(me.participant_id)}&next=/contest">${t("sign-in.verify")}</a></p>`;
  return html`<p><a class="button main" href="/paper?quiz=${id}">${t("contest.to-start")}</a></p>`;
}

function stateOf(quiz) {
  if (quiz.status !== "open") return quiz.status;
  return Date.parse(quiz.opens_at) > now() ? "soon" : "open";
}
