// The receipt, the result as soon as it may be seen, the rank, and the answers beside the key after the close.
import { account } from "../parts/account.js";
import { ask, Refused } from "../parts/api.js";
import { keptAttempt, keptById } from "../parts/attempt.js";
import { attempt, button, html, loading, nothing, show, signInFirst, t, update } from "../parts/page.js";
import { spoken } from "../parts/spoken.js";
import { inWords, moment } from "../parts/times.js";

const POLL_SECONDS = 2;
const POLL_SECONDS_MAX = 30;
const UNDECIDED = new Set(["pending", "received", "delayed"]);
const asked = new URLSearchParams(location.search);
const quizId = asked.get("quiz") ?? "";
let attemptId = asked.get("attempt") ?? keptAttempt(quizId)?.kept.attempt_id ?? null;
const kept = attemptId && keptById(attemptId);
const receipt = kept?.receipt ?? null;
// True: the reader has none in this contest, on whatever device.
let hasNone = false;
let quiz = null;
let result = null;
let rank = null;
let review = null;

show(() => t("result.title"), body);
if (account()) {
  const found = await attempt(async () => {
    attemptId ??= await latest();
    if (hasNone) return;
    [quiz, result] = await Promise.all([ask("quiz", `/quizzes/${encodeURIComponent(quizId)}`), ask("quiz", `/attempts/${encodeURIComponent(attemptId)}/result`)]);
  });
  if (found && result) await follow();
}

/** The reader's latest attempt, also from another device. */
async function latest() {
  const { attempts } = await ask("quiz", `/quizzes/${encodeURIComponent(quizId)}/attempts/me`);
  hasNone = !attempts.length;
  return attempts[0]?.attempt_id ?? null;
}

async function follow() {
  // Points that come at the close need no questions before it.
  for (let seconds = POLL_SECONDS; UNDECIDED.has(result.status) && !waitsForClose(); seconds = Math.min(seconds * 1.5, POLL_SECONDS_MAX)) {
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    if (document.hidden) continue;
    try {
      result = await ask("quiz", `/attempts/${encodeURIComponent(attemptId)}/result`);
      update();
    } catch (error) {
      // Without an answer it is asked again after a longer while.
      if (error instanceof Refused && error.status < 500 && error.status !== 429) return attempt(() => Promise.reject(error));
    }
  }
  if (result.status !== "graded") return;
  rank = await ask("quiz", `/quizzes/${encodeURIComponent(quizId)}/standings/me`).catch(() => null);
  update();
}

function words() {
  if (waitsForClose()) return t("result.at-close", { at: moment(quiz.closes_at) });
  // It is not graded yet, and may be on its way.
  if (result.status === "pending" && kept?.refused === "attempt_late") return t("result.late");
  if (result.status === "pending" && kept?.state === "handed-in") return t("result.received");
  return t(`result.${result.status}`);
}

function waitsForClose() {
  return result.status === "received" && quiz.shows_scores === "at_close" && quiz.status !== "closed";
}

function body() {
  return html`
    ${receipt ? html`<section class="card"><h2>${t("result.receipt")}</h2>
          <p>${t("result.received-at", { at: moment(receipt.received_at) })}</p><p class="quiet">${t("result.receipt-id")} <code>${receipt.receipt_id}</code></p></section>` : nothing}
    ${account() ? (result ? resultOf() : hasNone ? html`<p>${t("result.none")}</p>` : loading()) : signInFirst()}
    <p><a href="/contest">${t("result.back")}</a> · <a href="/standings?quiz=${encodeURIComponent(quizId)}">${t("contest.standings")}</a></p>
  `;
}

function resultOf() {
  return html`<section class="card" role="status" data-status=${result.status}>
    <h2>${spoken(quiz?.title)}</h2>
    <p><strong>${words()}</strong></p>
    ${result.status === "refused" && result.code ? html`<p><small>${t("trouble.code", { code: result.code })}</small></p>` : nothing}
    ${result.status === "graded" && result.points !== null ? html`
      <p class="score">${t("result.points", { n: result.points, of: result.points_max })}</p>
      <p><strong class=${result.passed ? "good" : "fair"}>${t(result.passed ? "result.passed" : "result.not-passed", { percent: quiz.pass_percent })}</strong></p>
      ${result.passed && quiz.status === "closed" ? html`<p>${t("result.award")} <a href="/me">${t("menu.me")}</a></p>` : nothing}
      <p>${t("result.time", { time: inWords(result.time_used_seconds) })}</p>` : nothing}
    ${result.automatic ? html`<p>${t("result.automatic")}</p>` : nothing}
    ${result.disqualified ? html`<p class="trouble">${t("result.disqualified")} ${spoken(result.reason)}</p>` : nothing}
    ${rank ? html`<p>${t("result.rank", { n: rank.rank })}</p>` : nothing}
    ${quiz.status === "closed" && !review ? button(t("result.review"), readReview) : nothing}
  </section>
  ${review ? html`<h2>${t("result.review")}</h2>${review.questions.map(reviewed)}` : nothing}`;
}

function reviewed(question, n) {
  const text = (letters) => [...(letters ?? "")].map((letter) => question.options.find((one) => one.id === letter)?.text ?? letter).join(" · ");
  return html`<section class="card">
    <h3>${n + 1}. ${spoken(question.text)}</h3>
    <p><strong class=${question.right ? "good" : "bad"}>${t(question.right ? "review.right" : "review.wrong")}</strong> · ${t("review.points", { n: question.points, of: question.worth })}</p>
    <p>${t("review.yours")} ${spoken(text(question.answer)) || t("review.nothing")}</p>
    ${question.right ? nothing : html`<p>${t("review.key")} ${spoken(text(question.key))}</p>`}
    ${question.explanation ? html`<p>${spoken(question.explanation)}</p>` : nothing}
    ${question.source ? html`<p class="quiet">${spoken(question.source)}</p>` : nothing}
  </section>`;
}

async function readReview() {
  review = await ask("quiz", `/attempts/${encodeURIComponent(attemptId)}/review`);
}
