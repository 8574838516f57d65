// The paper: one question at a time or all, a timer, answers kept on the device and saved, and the hand-in.
import { account } from "../parts/account.js";
import { keptAttempt, start } from "../parts/attempt.js";
import { store, stored } from "../parts/kept.js";
import { announce, attempt as trying, button, html, loading, nothing, show, signInFirst, t, update } from "../parts/page.js";
import { everySecond, isKnown, now, synchronise } from "../parts/server-clock.js";
import { clock, duration } from "../parts/times.js";

const LAST_SECONDS = 60;
const asked = new URLSearchParams(location.search);
const quizId = asked.get("quiz") ?? "";
let attempt = keptAttempt(quizId);
let at = 0;
let allAtOnce = stored("all-at-once") === true;
let sure = false;
let warned = false;
let ending = false;

show(() => t("paper.title"), body);
if (!attempt || (!attempt.isOpen && asked.has("start"))) {
  if (account()) await trying(begin);
} else {
  begun();
}

async function begin() {
  attempt = await start(quizId);
  // Loading this page again must not start another attempt.
  history.replaceState(null, "", `/paper?quiz=${encodeURIComponent(quizId)}`);
  begun();
}

function begun() {
  attempt.changed = changed;
  attempt.goOn();
  synchronise().then(changed);
  everySecond(tick);
  addEventListener("online", () => attempt.send());
  changed();
}

function changed() {
  if (attempt.kept.state === "handed-in")
    location.replace(`/result?quiz=${encodeURIComponent(quizId)}&attempt=${attempt.kept.attempt_id}`);
  else update();
}

async function tick() {
  if (!isKnown()) await synchronise();
  const left = secondsLeft();
  if (left <= LAST_SECONDS && !warned && left > 0) {
    warned = true;
    announce(t("paper.last-minute"));
  }
  // Only the server's clock ends an attempt: that of the device may have been set.
  if (left <= 0 && attempt.isOpen && !ending) {
    ending = true;
    if (await synchronise()) if (secondsLeft() <= 0) attempt.handIn();
    ending = false;
  }
  update();
}

function secondsLeft() {
  return (attempt.deadline - now()) / 1000;
}

function body() {
  if (!attempt) return account() ? loading() : signInFirst();
  if (attempt.kept.state === "handing-in") return handingIn();
  const { questions } = attempt.kept;
  return html`
    <div class="bar">
      <p class=${secondsLeft() <= LAST_SECONDS ? "timer last" : "timer"}><span aria-hidden="true">⏱</span> <span role="timer" aria-label=${t("paper.left")}>${duration(secondsLeft())}</span></p>
      <p class="where" data-where=${attempt.where}>${t(`paper.${attempt.where}`)}</p>
    </div>
    ${secondsLeft() <= 0 ? html`<p class="trouble">${t("paper.over")}</p>` : nothing}
    ${attempt.kept.trouble ? html`<p class="trouble">${attempt.kept.trouble}</p>` : nothing}
    <p>${button(allAtOnce ? t("paper.one") : t("paper.all"), switchView)}</p>
    ${allAtOnce ? questions.map((question, n) => questionOf(question, n)) : oneQuestion(questions)}
    <nav class="numbers" aria-label=${t("paper.numbers")}>
      <ol>${questions.map(
        (question, n) => html`<li><button type="button" class=${attempt.kept.answers[question.id] ? "number done" : "number"}
          aria-current=${!allAtOnce && n === at ? "step" : nothing}
          aria-label=${t(attempt.kept.answers[question.id] ? "paper.number-done" : "paper.number", { n: n + 1 })}
          @click=${() => go(n)}>${n + 1}</button></li>`,
      )}</ol>
    </nav>
    ${handInForm(questions)}
  `;
}

function oneQuestion(questions) {
  return html`
    ${questionOf(questions[at], at)}
    <div class="row">
      <button type="button" ?disabled=${at === 0} @click=${() => go(at - 1)}>${t("paper.before")}</button>
      <button type="button" class="main" ?disabled=${at === questions.length - 1} @click=${() => go(at + 1)}>${t("paper.next")}</button>
    </div>
  `;
}

function questionOf(question, n) {
  const several = question.kind === "multiple";
  const given = attempt.kept.answers[question.id] ?? "";
  const chosen = (letter, checked) => {
    const letters = several ? new Set([...given, letter]) : new Set([letter]);
    if (!checked) letters.delete(letter);
    attempt.answer(question.id, [...letters].sort().join(""));
  };
  return html`<fieldset class="card question" id="q${n}">
    <legend tabindex="-1"><span class="quiet">${t("paper.question", { n: n + 1, of: attempt.kept.questions.length })} · ${t(`paper.kind-${question.kind}`)} · ${t("paper.points", { n: question.points })}</span>
      ${question.text}</legend>
    ${question.options.map(
      (option) => html`<label class="option">
        <input type=${several ? "checkbox" : "radio"} name=${question.id} value=${option.id}
          .checked=${given.includes(option.id)} @change=${(event) => chosen(option.id, event.target.checked)}>
        <span>${option.text}</span>
      </label>`,
    )}
  </fieldset>`;
}

function handInForm(questions) {
  const open = questions.filter((question) => !attempt.kept.answers[question.id]).length;
  if (!sure) return html`<p>${button(t("paper.hand-in"), async () => (sure = true), { kind: "main" })}</p>`;
  return html`<section class="card" aria-labelledby="sure">
    <h2 id="sure">${t("paper.sure")}</h2>
    <p>${open ? t("paper.unanswered", { n: open }) : t("paper.all-answered")}</p>
    <div class="row">
      ${button(t("paper.hand-in-now"), async () => attempt.handIn(), { kind: "main" })}
      ${button(t("paper.go-on"), async () => (sure = false))}
    </div>
  </section>`;
}

function handingIn() {
  return html`<section class="card" role="status">
    <h2>${t("paper.handing-in")}</h2>
    ${attempt.failures
      ? html`<p>${t("paper.no-network", { until: clock(attempt.kept.deadline_at) })}</p>
          <p>${button(t("paper.try"), async () => attempt.send(), { kind: "main" })}</p>`
      : loading()}
    ${attempt.kept.trouble ? html`<p class="trouble">${attempt.kept.trouble}</p>` : nothing}
  </section>`;
}

function go(n) {
  at = n;
  update();
  const legend = document.querySelector(`#q${n} legend`);
  legend?.focus();
  if (allAtOnce) legend?.scrollIntoView({ block: "start" });
}

async function switchView() {
  allAtOnce = !allAtOnce;
  store("all-at-once", allAtOnce);
}
