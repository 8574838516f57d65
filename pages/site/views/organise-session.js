// One session for organisers: its people, messages to them, who works there, and what was scanned.
import { alsoWords } from "../parts/language.js";
import { cancelSession, isAhead } from "../parts/organise-cancelling.js";
import { asksFirst, change, conflicted } from "../parts/organise-changing.js";
import { loadPeople, people, peopleShown } from "../parts/organise-people.js";
import { scansOf } from "../parts/organise-scans.js";
import { loadShifts, shiftsOf, volunteersShown } from "../parts/organise-shifts.js";
import { loadMessages, writing } from "../parts/organise-writing.js";
import { mayChange, organiseAll, showToOrganisers } from "../parts/organiser.js";
import { announce, html, loading, nothing, t } from "../parts/page.js";
import { filled, places } from "../parts/sessions.js";
import { moment, span } from "../parts/times.js";

await alsoWords("organise-programme");
await alsoWords("organise-messages");
await alsoWords("organise-session");

const id = new URLSearchParams(location.search).get("id") ?? "";
let activity = null;
let session = null;
// It was looked for, and is not there.
let missing = false;

await showToOrganisers(() => (session ? `${activity.title} · ${moment(session.starts_at)}` : t("session.title")), body, load);

async function load() {
  await find();
  if (session) await Promise.all([loadPeople(session), loadShifts(session), loadMessages(activity, session)]);
}

/** No route has one session: it is read with its activity. */
async function find() {
  const activities = await organiseAll("registration", "/activities", "activities");
  activity = activities.find((one) => one.sessions.some((other) => other.session_id === id)) ?? null;
  session = activity?.sessions.find((one) => one.session_id === id) ?? null;
  missing = !session;
}

async function reloadPeople() {
  await find();
  if (session) await loadPeople(session);
}

function body() {
  if (missing) return html`<p>${t("session.missing")}</p>${back()}`;
  if (!session) return loading();
  return html`
    ${conflicted(load)}
    ${overview()}
    <h2>${t("people.title")}</h2>
    ${people(reloadPeople, () => [...peopleShown(), ...volunteersShown()])}
    <h2 id="messages">${t("write.title-here")}</h2>
    ${session.draft || activity.draft ? html`<p>${t("write.not-draft")}</p>` : writing()}
    <h2>${t("shifts.title")}</h2>
    ${shiftsOf()}
    ${mayChange() && volunteersShown().length ? html`<p class="quiet">${t("rota.names")}</p>` : nothing}
    <h2>${t("scans.title")}</h2>
    ${scansOf(session)}
    ${mayChange() ? endings() : nothing}
    ${back()}
  `;
}

function overview() {
  return html`
    <p><span class="time">${span(session.starts_at, session.ends_at)}</span> · ${session.venue} · ${session.district}</p>
    <p>${session.draft || activity.draft ? html`<strong class="fair">${t("programme.draft")}</strong>` : places(session)} ${filled(session)}
      ${t("session.taken", { n: Math.max(0, session.capacity - session.free), of: session.capacity })} · ${t("programme.waiting", { n: session.waiting })}</p>
    <p class="row">
      <a class="button" href="/door?session=${encodeURIComponent(id)}">${t("session.door")}</a>
      <a class="button" href="/organise-activity?id=${encodeURIComponent(activity.activity_id)}">${t("programme.edit")}</a>
    </p>
  `;
}

function endings() {
  const remove = async () => {
    await change("registration", `/sessions/${encodeURIComponent(id)}`, { method: "DELETE" });
    session = null;
    missing = true;
    announce(t("session.removed"));
  };
  return html`
    <h2>${t("activity.endings")}</h2>
    <p>${t("activity.endings-explained")}</p>
    <div class="row">
      ${!session.draft && !activity.draft && isAhead(session) ? cancelSession(activity, session, load) : nothing}
      ${asksFirst("remove", t("session.remove"), { about: () => html`<p>${t("session.remove-sure")}</p>`, go: t("activity.remove-now"), work: remove })}
    </div>
  `;
}

function back() {
  return html`<p><a href="/organise-programme">${t("activity.to-programme")}</a></p>`;
}
