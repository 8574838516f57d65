// One activity: what it is, its sessions, and asking for places.
import { account, signedIn } from "../parts/account.js";
import { ask, Refused } from "../parts/api.js";
import { randomName } from "../parts/kept.js";
import { contactNames, personFields, personOf } from "../parts/person.js";
import { announce, button, choice, form, html, keepFresh, loading, nothing, show, t } from "../parts/page.js";
import { named } from "../parts/language.js";
import { canBeAsked, filled, places } from "../parts/sessions.js";
import { moment, span } from "../parts/times.js";

const FRESH_SECONDS = 15;
// Of a session that says no number itself.
const PLACES_MAX = 5;
const id = new URLSearchParams(location.search).get("id") ?? "";
let activity = null;
// The session whose form is open, the key of its request, and what was answered.
let asking = null;
let key = null;
let outcome = null;

show(() => activity?.title ?? t("activity.title"), body);
await keepFresh(async () => {
  activity = await ask("registration", `/activities/${encodeURIComponent(id)}`);
}, FRESH_SECONDS);

function body() {
  if (!activity) return loading();
  return html`
    <p>${activity.summary}</p>
    <p class="quiet">${named("kind", activity.kind)} · ${t("activity.by", { organiser: activity.organiser })}</p>
    ${activity.remarks ? html`<p class="quiet">${activity.remarks}</p>` : nothing}
    <h2>${t("activity.sessions")}</h2>
    <ul class="cards">
      ${activity.sessions.map(sessionOf)}
    </ul>
    <p><a href="/">${t("activity.back")}</a></p>
  `;
}

function sessionOf(session) {
  return html`<li class="card">
    <h3>${span(session.starts_at, session.ends_at)}</h3>
    <p>${session.venue} · ${session.district}</p>
    <p>${places(session)} ${session.state === "planned" ? filled(session) : nothing}</p>
    ${session.open && session.closes_at ? html`<p class="quiet">${t("session.closes", { at: moment(session.closes_at) })}</p>` : nothing}
    ${session.admits === "roster" ? html`<p>${t("session.roster")}</p>` : nothing}
    ${outcome?.session_id === session.session_id ? outcomeOf(session) : nothing}
    ${asking === session.session_id ? bookingForm(session) : canBeAsked(session) && outcome?.session_id !== session.session_id ? openButton(session) : nothing}
    <p><a href="/api/registration/sessions/${encodeURIComponent(session.session_id)}/calendar.ics" download="kepu.ics">${t("session.calendar")}</a></p>
  </li>`;
}

function openButton(session) {
  const words = session.free > 0 ? t("booking.ask") : t("booking.wait");
  const open = async () => {
    asking = session.session_id;
    outcome = null;
    key = randomName();
  };
  return html`<p>${button(words, open, { kind: "main", name: `${words}: ${span(session.starts_at, session.ends_at)}` })}</p>`;
}

function bookingForm(session) {
  const most = session.places_per_person_max ?? PLACES_MAX;
  const counts = Array.from({ length: most }, (_, n) => [String(n + 1), t("booking.places", { n: n + 1 })]);
  const mine = Boolean(account());
  return html`<div class="inset">
    ${mine ? nothing : html`<p>${t("booking.newcomer")} <a href="/sign-in?next=${encodeURIComponent(location.pathname + location.search)}">${t("booking.known")}</a></p>`}
    ${form(
      html`${choice("places", t("booking.how-many"), counts, { value: "1" })} ${mine ? nothing : personFields()}`,
      t("booking.send"),
      (fields) => book(session, fields),
      { names: contactNames },
    )}
    ${button(t("form.cancel"), async () => (asking = null))}
  </div>`;
}

async function book(session, fields) {
  const mine = account();
  const body = {
    session_id: session.session_id,
    places: Number(fields.places),
    ...(mine ? {} : { participant: personOf(fields) }),
  };
  try {
    outcome = await ask("registration", "/registrations", { method: "POST", body, headers: { "idempotency-key": key }, again: true });
  } catch (error) {
    // Certainly nothing was booked: what is sent next is another request. Otherwise it is this one again.
    if (error instanceof Refused && error.status < 500 && error.status !== 429) key = randomName();
    throw error;
  }
  if (outcome.token) signedIn({ ...outcome, verified: false });
  asking = null;
  announce(t(`outcome.${outcome.status}`));
  activity = await ask("registration", `/activities/${encodeURIComponent(id)}`);
}

function outcomeOf(session) {
  return html`<div class="inset" data-status=${outcome.status}>
    <p><strong>${t(`outcome.${outcome.status}`)}</strong></p>
    ${outcome.position ? html`<p>${t("outcome.position", { n: outcome.position })}</p>` : nothing}
    ${outcome.reason ? html`<p>${outcome.reason}</p>` : nothing}
    ${outcome.overlaps_with ? html`<p>${t("outcome.overlaps")}</p>` : nothing}
    ${outcome.until && outcome.status !== "offered" ? html`<p>${t("outcome.verify", { until: moment(outcome.until) })}</p>
          <p><a class="button main" href="/sign-in?verify=${encodeURIComponent(outcome.participant_id)}&next=/me">${t("sign-in.verify")}</a></p>` : nothing}
    ${outcome.registration_id ? html`<p><a class="button" href="/me">${t("outcome.mine")}</a></p>` : nothing}
  </div>`;
}
