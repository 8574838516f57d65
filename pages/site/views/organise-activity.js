// One activity for organisers: its numbers, changing it with all its sessions, cancelling and removing it.
import { alsoWords, named } from "../parts/language.js";
import { activityForm, bodyOf, newActivity } from "../parts/organise-activity-form.js";
import { cancelActivity, cancelSession, isAhead } from "../parts/organise-cancelling.js";
import { asksFirst, change, conflicted } from "../parts/organise-changing.js";
import { mayChange, organise, organiseAll, showToOrganisers } from "../parts/organiser.js";
import { announce, button, html, loading, nothing, t } from "../parts/page.js";
import { filled, places } from "../parts/sessions.js";
import { moment, span } from "../parts/times.js";

await alsoWords("organise-programme");

const STATUSES = ["held", "offered", "confirmed", "waitlisted", "checked_in", "cancelled"];
let id = new URLSearchParams(location.search).get("id");
// The activity as it was read, and its version; null: it is new.
let kept = null;
let tag = null;
// As it stands in the form.
let model = null;
let known = [];
let statistics = null;
let removed = false;

await showToOrganisers(() => kept?.title ?? t(id ? "activity.title" : "activity.new"), body, load);

async function load() {
  if (!known.length) known = await organiseAll("registration", "/activities", "activities", 300);
  if (id) ({ content: kept, tag } = await organise("registration", path(), { as: "tagged" }));
  model = kept ? copied(kept) : newActivity();
  statistics = null;
}

function copied(activity) {
  return JSON.parse(JSON.stringify(activity));
}

function path() {
  return `/activities/${encodeURIComponent(id)}`;
}

function body() {
  if (removed) return html`<p>${t("activity.is-removed")}</p>${back()}`;
  if (!model) return loading();
  return html`
    ${conflicted(load)}
    ${kept ? numbers() : nothing}
    ${mayChange() ? html`<h2>${t(kept ? "activity.change" : "activity.new")}</h2>${kept ? nothing : html`<p>${t("activity.new-explained")}</p>`}${activityForm(model, kept, known, save)}` : nothing}
    ${kept && mayChange() ? endings() : nothing}
    ${back()}
  `;
}

function back() {
  return html`<p><a href="/organise-programme">${t("activity.to-programme")}</a></p>`;
}

async function save() {
  const sent = bodyOf(model);
  id = sent.activity_id;
  const saved = await change("registration", path(), { method: "PUT", body: sent, tag, isNew: !kept, as: "tagged" });
  ({ content: kept, tag } = saved);
  model = copied(kept);
  history.replaceState(null, "", `/organise-activity?id=${encodeURIComponent(id)}`);
  announce(t(kept.draft ? "activity.saved-draft" : "activity.saved"));
}

function numbers() {
  return html`
    <p class="quiet">${named("kind", kept.kind)} · ${t("activity.by")} ${kept.organiser}
      ${kept.draft ? html`<strong class="fair">${t("programme.draft")}</strong>` : html`<a href="/activity?id=${encodeURIComponent(id)}">${t("activity.for-citizens")}</a>`}</p>
    <h2>${t("activity.sessions")}</h2>
    <ul class="cards">
      ${kept.sessions.map(sessionOf)}
    </ul>
    <h2>${t("statistics.title")}</h2>
    ${statistics ? statisticsOf() : button(t("statistics.show"), count)}
  `;
}

function sessionOf(session) {
  return html`<li class="card">
    <h3><a href="/organise-session?id=${encodeURIComponent(session.session_id)}">${span(session.starts_at, session.ends_at)}</a></h3>
    <p>${session.venue} · ${session.district}</p>
    <p>${session.draft || kept.draft ? t("programme.draft") : places(session)} ${filled(session)} ${t("programme.waiting", { n: session.waiting })}</p>
    ${mayChange() && !kept.draft && isAhead(session) ? cancelSession(kept, session, load) : nothing}
  </li>`;
}

async function count() {
  statistics = await organise("registration", `${path()}/statistics`);
}

function statisticsOf() {
  const people = (of, words) => of.map((one) => [one.of === null ? t("statistics.unknown") : words(one.of), one.by_status]);
  return html`
    <p class="quiet">${t("statistics.at", { at: moment(statistics.counted_at) })}</p>
    ${table(t("statistics.by-session"), [
      [t("statistics.all"), statistics.by_status, statistics.no_shows],
      ...statistics.sessions.map((one) => [`${moment(one.starts_at)} ${one.venue}`, one.by_status, one.no_shows]),
    ])}
    ${table(t("statistics.by-audience"), people(statistics.audiences, (one) => named("audience", one)))}
    ${table(t("statistics.by-district"), people(statistics.districts, (one) => one))}
    ${button(t("statistics.again"), count)}
  `;
}

/** Registrations by status, with their places where these are more. */
function table(caption, rows) {
  const cell = (count) => (count ? `${count.registrations}${count.places > count.registrations ? ` (${count.places})` : ""}` : "–");
  const away = rows.some(([, , one]) => one);
  return html`<div class="wide" tabindex="0" role="region" aria-label=${caption}>
    <table>
      <caption>${caption}</caption>
      <thead><tr><th scope="col">${t("statistics.of")}</th>${STATUSES.map((one) => html`<th scope="col">${t(`status.${one}`)}</th>`)}${away ? html`<th scope="col">${t("statistics.away")}</th>` : nothing}</tr></thead>
      <tbody>${rows.map(([name, by, one]) => html`<tr><th scope="row">${name}</th>${STATUSES.map((status) => html`<td>${cell(by[status])}</td>`)}${away ? html`<td>${cell(one)}</td>` : nothing}</tr>`)}</tbody>
    </table>
  </div>`;
}

function endings() {
  return html`
    <h2>${t("activity.endings")}</h2>
    <p>${t("activity.endings-explained")}</p>
    <div class="row">
      ${!kept.draft && kept.sessions.some(isAhead) ? cancelActivity(kept, load) : nothing}
      ${asksFirst("remove", t("activity.remove"), { about: () => html`<p>${t("activity.remove-sure", { n: kept.sessions.length })}</p>`, go: t("activity.remove-now"), work: remove })}
    </div>
  `;
}

async function remove() {
  await change("registration", path(), { method: "DELETE", tag });
  removed = true;
  announce(t("activity.is-removed"));
}
