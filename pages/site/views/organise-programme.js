// The programme for organisers: all sessions by day, how full they are, and the way to each.
import { alsoWords } from "../parts/language.js";
import { mayChange, organise, organiseAll, showToOrganisers } from "../parts/organiser.js";
import { button, choice, html, loading, nothing, t, update } from "../parts/page.js";
import { hasWords, listed, sessionsOf } from "../parts/programme.js";
import { filled, places } from "../parts/sessions.js";
import { day, hours } from "../parts/times.js";
import { date } from "../parts/week.js";

await alsoWords("organise-programme");

const STATES = ["ahead", "over", "draft", "cancelled"];
// Doors open so long before a session: from then on somebody may have come.
const DOOR_MS = 3 * 3600 * 1000;
const asked = new URLSearchParams(location.search);
const chosen = { words: asked.get("words") ?? "", day: asked.get("day") ?? "", state: asked.get("state") ?? "" };
let activities = null;
// By session: people who came in, and people whom its shifts lack.
const came = new Map();
const lacking = new Map();

await showToOrganisers(() => t("organise.programme"), body, load);

async function load() {
  activities = await organiseAll("registration", "/activities", "activities");
  // The programme does not wait for these numbers.
  countLacking().catch(() => {});
  countCame().catch(() => {});
}

async function countLacking() {
  for (const one of await organiseAll("registration", "/shifts/lacking", "sessions"))
    lacking.set(one.session_id, one.shifts.reduce((sum, shift) => sum + shift.lacking, 0));
  update();
}

/** One activity after the other: a large one takes a service seconds. */
async function countCame() {
  const begun = (session) => !session.draft && Date.parse(session.starts_at) - DOOR_MS < Date.now();
  for (const activity of activities.filter((one) => one.sessions.some(begun))) {
    const { sessions } = await organise("registration", `/activities/${encodeURIComponent(activity.activity_id)}/statistics`);
    for (const one of sessions) came.set(one.session_id, one.by_status.checked_in?.places ?? 0);
    update();
  }
}

function body() {
  if (!activities) return loading();
  const sessions = sessionsOf(activities);
  const shown = sessions.filter(fits);
  return html`
    <div class="row">
      ${mayChange() ? html`<a class="button main" href="/organise-activity">${t("programme.new")}</a>` : nothing}
      ${button(t("programme.again"), load)}
    </div>
    ${filters(sessions)}
    ${listed(shown, card)}
  `;
}

function card(session) {
  const { activity } = session;
  const taken = Math.max(0, session.capacity - session.free);
  const lacks = lacking.get(session.session_id);
  return html`<li class="card" data-session=${session.session_id}>
    <h3><a href="/organise-session?id=${encodeURIComponent(session.session_id)}">${activity.title}</a></h3>
    <p><span class="time">${hours(session.starts_at, session.ends_at)}</span> · ${session.venue} · ${session.district}</p>
    <p>${session.draft || activity.draft ? html`<strong class="fair">${t("programme.draft")}</strong>` : places(session)} ${filled(session)}</p>
    <p>${t("session.taken", { n: taken, of: session.capacity })} · ${t("programme.waiting", { n: session.waiting })}
      ${came.has(session.session_id) ? html` · ${t("programme.came", { n: came.get(session.session_id) })}` : nothing}
      ${lacks ? html` · <strong class="fair">${t("programme.lacking", { n: lacks })}</strong>` : nothing}</p>
    <p class="row">
      <a class="button" href="/organise-session?id=${encodeURIComponent(session.session_id)}" aria-label=${`${t("programme.people")}: ${activity.title}`}>${t("programme.people")}</a>
      <a class="button" href="/organise-activity?id=${encodeURIComponent(activity.activity_id)}" aria-label=${`${t("programme.edit")}: ${activity.title}`}>${t("programme.edit")}</a>
    </p>
  </li>`;
}

function filters(sessions) {
  const days = [...new Set(sessions.map((one) => date(one.starts_at)))].sort();
  const set = (name) => (value) => {
    chosen[name] = value;
    const kept = Object.entries(chosen).filter(([, value]) => value);
    history.replaceState(null, "", `/organise-programme${kept.length ? `?${new URLSearchParams(kept)}` : ""}`);
    update();
  };
  const words = (key) => day(sessions.find((one) => date(one.starts_at) === key).starts_at);
  return html`<form class="filters" role="search" @submit=${(event) => event.preventDefault()}>
    <p class="field">
      <label for="words">${t("programme.search")}</label>
      <input id="words" type="search" .value=${chosen.words} @input=${(event) => set("words")(event.target.value)}>
    </p>
    ${choice("day", t("programme.day"), [["", t("programme.all")], ...days.map((one) => [one, words(one)])], { value: chosen.day, changed: set("day") })}
    ${choice("state", t("programme.state"), [["", t("programme.all")], ...STATES.map((one) => [one, t(`programme-state.${one}`)])], { value: chosen.state, changed: set("state") })}
  </form>`;
}

function fits(session) {
  return (
    hasWords(session, chosen.words) &&
    (!chosen.day || date(session.starts_at) === chosen.day) &&
    (!chosen.state || stateOf(session) === chosen.state)
  );
}

function stateOf(session) {
  if (session.draft || session.activity.draft) return "draft";
  if (session.state === "cancelled") return "cancelled";
  return Date.parse(session.ends_at) < Date.now() ? "over" : "ahead";
}
