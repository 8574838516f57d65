// Organisers' overview: the week in numbers, live, what does not work, and what is open now.
import { all, ask, Refused } from "../parts/api.js";
import { bars } from "../parts/organise-charts.js";
import { alsoWords, language, named } from "../parts/language.js";
import { organise, organiser, showToOrganisers } from "../parts/organiser.js";
import { html, keepFresh, loading, nothing, t, update } from "../parts/page.js";
import { filled, places } from "../parts/sessions.js";
import { clock, moment } from "../parts/times.js";

await alsoWords("organise-overview");

const FRESH_SECONDS = 5;
// What changes slowly is asked for at each so many times.
const SELDOM = 6;
const MINUTES = 60;
const MINUTE_MS = 60_000;
const BEHIND_MANY = 1000;
const FEWEST = 5;
// What is shown of each figure: its words, and the events that are counted.
const FIGURES = [
  ["registrations", "registration.confirmed"],
  ["check-ins", "registration.checked_in"],
  ["submissions", "quiz.submitted"],
  ["results", "quiz.completed"],
  ["awards", "award.issued"],
  ["messages", "notification.delivered"],
];
const BESIDES = [
  ["held", "registration.held"],
  ["waitlisted", "registration.waitlisted"],
  ["cancelled", "registration.cancelled"],
  ["rejected", "registration.rejected"],
  ["undone", "registration.check_in_undone"],
  ["revoked", "award.revoked"],
  ["failed", "notification.failed"],
];
const NUMBER = new Intl.NumberFormat(language);

let overview = null;
const FIRST_STEPS = [
  ["organise-programme", "overview.first-programme"],
  ["organise-bank", "overview.first-bank"],
  ["organise-contest-edit", "overview.first-contest"],
  ["organise-awards", "overview.first-awards"],
];
// The service of the overview runs only where the operator wants it. The rest of the page needs none of it.
let absent = false;
let quizzes = null;
let sessions = null;
let asked = 0;
let begun = false;

await showToOrganisers(() => t("organise.overview"), body, async () => {
  // Who signs in again on the same page needs no second clock.
  if (begun) return refresh();
  begun = true;
  await keepFresh(refresh, FRESH_SECONDS);
});

async function refresh() {
  if (!organiser()) return;
  const figures = askFigures();
  // Not only below: else what it throws meanwhile would be nobody's.
  figures.catch(() => {});
  if (asked++ % SELDOM === 0) await askLists();
  // They may take some seconds to be found absent.
  update();
  await figures;
}

async function askFigures() {
  try {
    overview = await organise("overview", `/overview?minutes=${MINUTES}`, { tries: 1 });
    absent = false;
  } catch (error) {
    if (error instanceof Refused && [401, 403].includes(error.status)) throw error;
    absent = true;
  }
}

async function askLists() {
  quizzes = (await ask("quiz", "/quizzes?limit=20")).quizzes;
  const activities = await all("registration", "/activities", "activities");
  sessions = activities.flatMap((activity) => activity.sessions.map((session) => ({ ...session, activity })));
}

function body() {
  if (!quizzes && !overview) return loading();
  return html`
    ${quizzes?.length === 0 && sessions?.length === 0 ? firstSteps() : nothing}
    ${absent ? html`<p class="trouble">${t(overview ? "overview.stale" : "overview.absent")}</p>` : nothing}
    ${overview ? live() : nothing}
    ${quizzes ? lists() : nothing}
  `;
}

/** A week in which there is nothing yet: where one begins. */
function firstSteps() {
  return html`<section class="card">
    <h2>${t("overview.first")}</h2>
    <ol>${FIRST_STEPS.map(([page, key]) => html`<li><a href="/${page}">${t(key)}</a></li>`)}</ol>
  </section>`;
}

function live() {
  const minutes = lastMinutes();
  const newest = overview.newest_at ? t("overview.newest", { at: moment(overview.newest_at) }) : t("overview.nothing");
  return html`
    <p class="quiet">${t("overview.as-of", { at: clock(overview.as_of) })} ${newest}</p>
    <h2>${t("overview.health")}</h2>
    ${health()}
    <h2>${t("overview.numbers")}</h2>
    <ul class="cards figures">${FIGURES.map(([name, topic]) => figure(name, topic, minutes))}</ul>
    <p>${BESIDES.filter(([, topic]) => overview.totals[topic]).map(([name, topic]) => html`<span class="besides">${t(`besides.${name}`, { n: shown(overview.totals[topic]) })}</span> `)}</p>
    <details>
      <summary>${t("overview.as-table")}</summary>
      ${table(minutes)}
    </details>
    <h2>${t("overview.behind")}</h2>
    ${behind()}
  `;
}

/** The minutes of the last hour, the earliest first, also those in which nothing happened. */
function lastMinutes() {
  const found = new Map(overview.minutes.map((one) => [Date.parse(one.at), one.events]));
  const now = Math.floor(Date.parse(overview.as_of) / MINUTE_MS) * MINUTE_MS;
  return Array.from({ length: MINUTES }, (_, at) => {
    const begins = now - (MINUTES - 1 - at) * MINUTE_MS;
    return { begins, events: found.get(begins) ?? {} };
  });
}

function figure(name, topic, minutes) {
  const numbers = minutes.map((one) => one.events[topic] ?? 0);
  return html`<li class="card" data-figure=${name}>
    <h3>${t(`figure.${name}`)}</h3>
    <p class="score">${shown(overview.totals[topic])}</p>
    <p>${t("overview.a-minute", { n: shown(numbers.at(-2)), most: shown(Math.max(...numbers)) })}</p>
    ${bars(numbers)}
  </li>`;
}

function table(minutes) {
  const rows = minutes.filter((one) => FIGURES.some(([, topic]) => one.events[topic])).reverse();
  if (!rows.length) return html`<p>${t("overview.quiet")}</p>`;
  return html`<div class="wide" tabindex="0" role="region" aria-label=${t("overview.as-table")}>
    <table>
      <thead><tr><th scope="col">${t("overview.minute")}</th>${FIGURES.map(([name]) => html`<th scope="col">${t(`figure.${name}`)}</th>`)}</tr></thead>
      <tbody>${rows.map((one) => html`<tr><th scope="row">${clock(one.begins)}</th>${FIGURES.map(([, topic]) => html`<td>${shown(one.events[topic] ?? 0)}</td>`)}</tr>`)}</tbody>
    </table>
  </div>`;
}

function health() {
  if (!overview.services) return html`<p>${t("overview.health-unknown")}</p>`;
  const failing = overview.services.filter((one) => one.status !== "ok");
  if (!failing.length) return html`<p class="good" data-health="ok">${t("overview.health-good")}</p>`;
  return html`<ul class="cards" data-health="failing">${failing.map(
    (one) => html`<li class="card">
      <h3 class="bad">${named("service", one.service)}: ${t(`service-is.${one.status}`)}</h3>
      ${one.problems.map((problem) => html`<p>${problem.advice}</p><p><small>${t("overview.runbook", { check: problem.check || one.service, runbook: problem.runbook })}</small></p>`)}
    </li>`,
  )}</ul>`;
}

function behind() {
  if (!overview.behind) return html`<p>${t("overview.behind-unknown")}</p>`;
  const late = overview.behind.some((one) => one.events > BEHIND_MANY);
  return html`
    <table>
      <thead><tr><th scope="col">${t("overview.what-waits")}</th><th scope="col">${t("overview.how-many")}</th></tr></thead>
      <tbody>${overview.behind.map((one) => html`<tr><th scope="row">${named("waiting", one.group)}</th><td class=${one.events > BEHIND_MANY ? "bad" : ""}>${shown(one.events)}</td></tr>`)}</tbody>
    </table>
    <p class=${late ? "bad" : "quiet"}>${t(late ? "overview.late" : "overview.in-time")}</p>
  `;
}

function lists() {
  const fewest = sessions
    .filter((one) => one.state === "planned" && one.open && one.free * 2 <= one.capacity && Date.parse(one.starts_at) > Date.now())
    .sort((one, other) => one.free - other.free || one.starts_at.localeCompare(other.starts_at))
    .slice(0, FEWEST);
  return html`
    <h2>${t("organise.contest")}</h2>
    ${quizzes.length ? html`<ul class="cards">${quizzes.map(quiz)}</ul>` : html`<p>${t("contest.none")}</p>`}
    <h2>${t("overview.fewest")}</h2>
    ${fewest.length ? html`<ul class="cards">${fewest.map(session)}</ul>` : html`<p>${t("overview.none-open")}</p>`}
    <p><a href="/organise-programme">${t("organise.programme")}</a></p>
  `;
}

function quiz(one) {
  const state = one.status === "open" && Date.parse(one.opens_at) > Date.now() ? "soon" : one.status;
  return html`<li class="card">
    <h3><a href="/organise-contest?quiz=${encodeURIComponent(one.quiz_id)}">${one.title}</a></h3>
    <p><strong>${t(`contest.${state}`)}</strong> · ${moment(one.opens_at)} – ${moment(one.closes_at)}</p>
  </li>`;
}

function session(one) {
  return html`<li class="card">
    <h3><a href="/activity?id=${encodeURIComponent(one.activity.activity_id)}">${one.activity.title}</a></h3>
    <p>${moment(one.starts_at)} · ${one.venue}</p>
    <p>${filled(one)} ${places(one)}</p>
  </li>`;
}

function shown(number) {
  return NUMBER.format(number);
}
