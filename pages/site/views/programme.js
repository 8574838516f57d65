// The programme: all sessions of the week by day, with the places that are left.
import { all } from "../parts/api.js";
import { choice, html, keepFresh, loading, show, t, update } from "../parts/page.js";
import { day, hours } from "../parts/times.js";
import { named } from "../parts/language.js";
import { hasWords, listed, sessionsOf } from "../parts/programme.js";
import { places } from "../parts/sessions.js";
import { spoken } from "../parts/spoken.js";
import { atWall, date } from "../parts/week.js";

const FRESH_SECONDS = 20;
const asked = new URLSearchParams(location.search);
const chosen = { words: asked.get("words") ?? "", day: asked.get("day") ?? "", district: asked.get("district") ?? "", kind: asked.get("kind") ?? "" };
// More than a large screen shows at once. A slow phone draws these first, and then the others.
const FIRST = 12;
let activities = null;
let most = FIRST;

show(() => t("menu.programme"), body);
await keepFresh(async () => {
  activities = await all("registration", "/activities", "activities");
}, FRESH_SECONDS);
requestAnimationFrame(() => setTimeout(drawAll));

function drawAll() {
  most = Infinity;
  update();
}

function body() {
  if (!activities) return loading();
  const sessions = sessionsOf(activities);
  const shown = sessions.filter(fits);
  return html`
    ${filters(sessions)}
    ${listed(shown, card, most)}
  `;
}

function card(session) {
  const { activity } = session;
  return html`<li class="card">
    <h3><a href="/activity?id=${encodeURIComponent(activity.activity_id)}">${spoken(activity.title)}</a></h3>
    <p><span class="time">${hours(session.starts_at, session.ends_at)}</span> · ${spoken(session.venue)} · ${spoken(session.district)}</p>
    <p>${places(session)} <span class="quiet">· ${named("kind", activity.kind)}</span></p>
  </li>`;
}

function filters(sessions) {
  const options = (values, words = (one) => one) => [["", t("programme.all")], ...[...new Set(values)].sort().map((one) => [one, words(one)])];
  const set = (name) => (value) => {
    chosen[name] = value;
    const kept = Object.entries(chosen).filter(([, value]) => value);
    history.replaceState(null, "", kept.length ? `?${new URLSearchParams(kept)}` : "/");
    update();
  };
  return html`<form class="filters" role="search" @submit=${(event) => event.preventDefault()}>
    <p class="field">
      <label for="words">${t("programme.search")}</label>
      <input id="words" type="search" .value=${chosen.words} @input=${(event) => set("words")(event.target.value)}>
    </p>
    ${choice("day", t("programme.day"), options(sessions.map((one) => date(one.starts_at)), (one) => day(atWall(`${one}T12:00`))), { value: chosen.day, changed: set("day") })}
    ${choice("district", t("programme.district"), options(sessions.map((one) => one.district)), { value: chosen.district, changed: set("district") })}
    ${choice("kind", t("programme.kind"), options(sessions.map((one) => one.activity.kind), (one) => named("kind", one)), { value: chosen.kind, changed: set("kind") })}
  </form>`;
}

function fits(session) {
  return (
    hasWords(session, chosen.words) &&
    (!chosen.day || date(session.starts_at) === chosen.day) &&
    (!chosen.district || session.district === chosen.district) &&
    (!chosen.kind || session.activity.kind === chosen.kind)
  );
}
