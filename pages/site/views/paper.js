// The paper: its start, one question at a time or all, a timer, answers kept on the device, and the hand-in.
import { account, signInAddress } from "../parts/account.js";
import { ask, Refused } from "../parts/api.js";
import { keptAttempt, start } from "../parts/attempt.js";
import { store, stored } from "../parts/kept.js";
import { announce, button, html, loading, nothing, show, t, update } from "../parts/page.js";
import { everySecond, isKnown, synchronise } from "../parts/server-clock.js";
import { spoken } from "../parts/spoken.js";
import { clock, duration } from "../parts/times.js";

const LAST_SECONDS = 60;
const quizId = new URLSearchParams(location.search).get("quiz") ?? "";
let attempt = null;
let ready = false;
let at = 0;
let allAtOnce = stored("all-at-once") === true;
let sure = false;
let warned = false;
let ending = false;
// How many attempts are left today, as far as this device knows; 0: none.
let left = null;

show(() => t("paper.title"), body);
await open();

async function open() {
  const found = keptAttempt(quizId);
  // By the server's clock, if it can be reached: that of the device may say that the time is over.
  if (found) await synchronise();
  const goesOn = found && (found.kept.state === "handing-in" || (found.isOpen && (found.secondsLeft > 0 || !isKnown())));
  if (goesOn) begun(found);
  // Who comes for the first time asks nothing here: thousands do, at the same moment.
  else if (found && account()) readLeft();
  ready = true;
  update();
}

/** Nobody waits for it, also on a bad network. */
async function readLeft() {
  left = await ask("quiz", `/quizzes/${encodeURIComponent(quizId)}/attempts/me`).then((own) => own.left_today, () => left);
  update();
}

async function begin() {
  try {
    begun(await start(quizId));
  } catch (error) {
    if (!(error instanceof Refused && error.code === "attempts_exhausted")) throw error;
    left = 0;
  }
}

function begun(one) {
  attempt = one;
  attempt.changed = changed;
  attempt.goOn();
  synchronise().then(changed);
  everySecond(tick);
  addEventListener("online", () => attempt.send());
  // A phone that is put away may never come back to this page.
  document.addEventListener("visibilitychange", () => document.hidden && attempt.send());
}

function changed() {
  if (attempt.kept.state === "handed-in")
    location.replace(`/result?quiz=${encodeURIComponent(quizId)}&attempt=${attempt.kept.attempt_id}`);
  else update();
}

async function tick() {
  if (!isKnown()) await synchronise();
  if (attempt.secondsLeft <= LAST_SECONDS && !warned && attempt.secondsLeft > 0) {
    warned = true;
    announce(t("paper.last-minute"));
  }
  // Only the server's clock ends an attempt: that of the device may have been set.
  if (attempt.secondsLeft <= 0 && attempt.isOpen && !ending) {
    ending = true;
    if ((isKnown() || (await synchronise())) && attempt.secondsLeft <= 0) attempt.handIn();
    ending = false;
  }
  if (attempt.kept.state !== "handed-in") update();
}

function body() {
  if (attempt?.kept.state === "handed-in" || !ready) return loading();
  if (!attempt) return startForm();
  if (attempt.kept.state === "handing-in") return handingIn();
  const { questions } = attempt.kept;
  const { secondsLeft, where } = attempt;
  return html`
    <div class="bar">
      <p class=${secondsLeft <= LAST_SECONDS ? "timer last" : "timer"}><small aria-hidden="true">${t("paper.left")}</small> <span role="timer" aria-label=${t("paper.left")}>${duration(secondsLeft)}</span></p>
      <p class="where" data-where=${where}>${t(`paper.${where}`)}</p>
    </div>
    <div role="status">${where === "kept" ? html`<p class="trouble">${t("paper.kept-long")}</p>` : nothing}
      ${secondsLeft <= 0 ? html`<p class="trouble">${t("paper.over")}</p>` : nothing}
      ${attempt.trouble ? html`<p class="trouble">${attempt.trouble}</p>` : nothing}</div>
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

function startForm() {
  const sitting = keptAttempt(quizId);
  const title = stored("contests")?.[quizId];
  return html`<section class="card">
    ${title ? html`<h2>${spoken(title)}</h2>` : nothing}
    ${sitting && !sitting.isOpen ? html`<p><a href="/result?quiz=${encodeURIComponent(quizId)}&attempt=${sitting.kept.attempt_id}">${t("contest.result")}</a></p>` : nothing}
    ${left === null ? nothing : html`<p>${t(left ? "paper.left-today" : "paper.none-left", { n: left })}</p>`}
    ${left === 0 ? nothing : account()
      ? html`<p>${t("contest.starts-now")}</p><p>${button(t("contest.start"), begin, { kind: "main" })}</p>`
      : html`<p>${t("contest.sign-in")}</p><p><a class="button main" href=${signInAddress()}>${t("sign-in.go")}</a></p>`}
    <p><a href="/contest">${t("result.back")}</a></p>
  </section>`;
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
      ${spoken(question.text)}</legend>
    ${question.options.map(
      (option) => html`<label class="option">
        <input type=${several ? "checkbox" : "radio"} name=${question.id} value=${option.id}
          .checked=${given.includes(option.id)} @change=${(event) => chosen(option.id, event.target.checked)}>
        <span>${spoken(option.text)}</span>
      </label>`,
    )}
  </fieldset>`;
}

function handInForm(questions) {
  const open = questions.filter((question) => !attempt.kept.answers[question.id]).length;
  if (!sure) return html`<p>${button(t("paper.hand-in"), async () => (sure = true), { kind: "main" })}</p>`;
  return html`<section class="card next" tabindex="-1" aria-labelledby="sure">
    <h2 id="sure">${t("paper.sure")}</h2>
    <p>${open ? t("paper.unanswered", { n: open }) : t("paper.all-answered")}</p>
    <div class="row">
      ${button(t("paper.hand-in-now"), async () => attempt.handIn(), { kind: "main" })}
      ${button(t("paper.go-on"), async () => (sure = false))}
    </div>
  </section>`;
}

function handingIn() {
  return html`<section class="card next" tabindex="-1" role="status">
    <h2>${t("paper.handing-in")}</h2>
    ${attempt.failures
      ? html`<p>${t("paper.no-network", { until: clock(attempt.kept.deadline_at) })}</p>
          <p>${button(t("paper.try"), async () => attempt.send(), { kind: "main" })}</p>`
      : loading()}
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
