// One activity: what it is, its sessions, and asking for places.
import { account, signedIn } from "../parts/account.js";
import { ask, Refused } from "../parts/api.js";
import { randomName } from "../parts/kept.js";
import { contactNames, personFields, personOf } from "../parts/person.js";
import { announce, attempt, button, choice, form, html, keepFresh, loading, nothing, show, t, update } from "../parts/page.js";
import { named } from "../parts/language.js";
import { ownGroups } from "../parts/own-groups.js";
import { canBeAsked, filled, places } from "../parts/sessions.js";
import { spoken } from "../parts/spoken.js";
import { moment, span } from "../parts/times.js";

const FRESH_SECONDS = 15;
// Of a session that says no number itself.
const PLACES_MAX = 5;
const ENDED = new Set(["cancelled", "checked_in"]);
const asked = new URLSearchParams(location.search);
const id = asked.get("id") ?? "";
let activity = null;
// In whose name one registers: oneself, or the groups that one manages.
let me = null;
let groups = [];
// The registration in whose place another one comes.
let former = null;
// The session whose form is open, the key of its request, and what was answered.
let asking = null;
let key = null;
let outcome = null;

show(() => activity?.title ?? t("activity.title"), body);
if (account() && asked.get("instead")) await attempt(readFormer);
await keepFresh(async () => {
  activity = await ask("registration", `/activities/${encodeURIComponent(id)}`);
}, FRESH_SECONDS);

function body() {
  if (!activity) return loading();
  return html`
    ${former ? changing() : nothing}
    <p>${spoken(activity.summary)}</p>
    <p class="quiet">${named("kind", activity.kind)} · ${t("activity.by")} ${spoken(activity.organiser)}</p>
    ${activity.remarks ? html`<p class="quiet">${spoken(activity.remarks)}</p>` : nothing}
    <h2>${t("activity.sessions")}</h2>
    <ul class="cards">
      ${activity.sessions.map(sessionOf)}
    </ul>
    <p><a href="/">${t("activity.back")}</a></p>
  `;
}

function changing() {
  return html`<section class="card next" tabindex="-1" aria-label=${t("me.change")}>
    <p>${t("change.explained", { at: moment(former.starts_at), n: former.places })}</p>
    <p><a class="button" href="/me">${t("change.keep")}</a></p>
  </section>`;
}

function sessionOf(session) {
  return html`<li class="card">
    <h3>${span(session.starts_at, session.ends_at)}</h3>
    <p>${spoken(session.venue)} · ${spoken(session.district)}</p>
    <p>${places(session)} ${session.state === "planned" ? filled(session) : nothing}</p>
    ${session.open && session.closes_at ? html`<p class="quiet">${t("session.closes", { at: moment(session.closes_at) })}</p>` : nothing}
    ${session.admits === "roster" ? html`<p>${t("session.roster")}</p>` : nothing}
    ${outcome?.session_id === session.session_id ? outcomeOf(session) : nothing}
    ${asking === session.session_id ? bookingForm(session) : mayAsk(session) && outcome?.session_id !== session.session_id ? openButton(session) : nothing}
    <p><a href="/api/registration/sessions/${encodeURIComponent(session.session_id)}/calendar.ics" download="kepu.ics">${t("session.calendar")}</a></p>
  </li>`;
}

/** Also on a full one whoever has a place there may ask for fewer. */
function mayAsk(session) {
  return canBeAsked(session) || (session.open && former?.session_id === session.session_id);
}

function openButton(session) {
  const words = former ? t(former.session_id === session.session_id ? "change.number" : "change.to-this") : session.free > 0 ? t("booking.ask") : t("booking.wait");
  const open = async () => {
    // Nobody waits for these.
    if (account()) ask("registration", "/me").then((found) => (me = found)).then(update, () => {});
    if (account()) ownGroups().then((found) => (groups = found)).then(update, () => {});
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
    ${mine ? inWhoseName(session) : html`<p>${t("booking.newcomer")} <a href="/sign-in?next=${encodeURIComponent(location.pathname + location.search)}">${t("booking.known")}</a></p>`}
    ${former?.session_id === session.session_id ? html`<p><strong>${t("change.same")}</strong></p>` : nothing}
    ${form(
      html`${choice("places", t("booking.how-many"), counts, { value: String(Math.min(former?.places ?? 1, most)) })}
        <p class="quiet">${t("booking.others")}</p> ${mine ? nothing : personFields()}`,
      t(former ? "change.send" : "booking.send"),
      (fields) => book(session, fields),
      { names: contactNames },
    )}
    ${button(t("form.cancel"), async () => (asking = null))}
  </div>`;
}

function inWhoseName(session) {
  const group = (one) => `/group?id=${encodeURIComponent(one.group_id)}&session=${encodeURIComponent(session.session_id)}#book`;
  return html`
    <p>${me?.name ? t("booking.as", { name: me.name }) : nothing} <a href="/data">${t("menu.data")}</a></p>
    ${groups.length ? html`<ul>${groups.map((one) => html`<li><a href=${group(one)}>${t("booking.for-group")} ${spoken(one.name)}</a></li>`)}</ul>` : nothing}
  `;
}

async function readFormer() {
  const found = await ask("registration", `/registrations/${encodeURIComponent(asked.get("instead"))}`);
  if (!ENDED.has(found.status)) former = found;
}

/** Give back the former places: before the new ones are asked for if they are of the same session, else once they are there. */
async function giveBack() {
  await ask("registration", `/registrations/${former.registration_id}/cancel`, { method: "POST", again: true });
  former = null;
}

async function book(session, fields) {
  const mine = account();
  const body = {
    session_id: session.session_id,
    places: Number(fields.places),
    ...(mine ? {} : { participant: personOf(fields) }),
  };
  if (former?.session_id === session.session_id) await giveBack();
  try {
    outcome = await ask("registration", "/registrations", { method: "POST", body, headers: { "idempotency-key": key }, again: true });
  } catch (error) {
    // Certainly nothing was booked: what is sent next is another request. Otherwise it is this one again.
    if (error instanceof Refused && error.status < 500 && error.status !== 429) key = randomName();
    throw error;
  }
  if (outcome.token) signedIn({ ...outcome, verified: false });
  asking = null;
  const isChanged = former && outcome.status === "confirmed";
  if (isChanged) await giveBack();
  announce(t(isChanged ? "change.done" : `outcome.${outcome.status}`));
  activity = await ask("registration", `/activities/${encodeURIComponent(id)}`);
}

function outcomeOf(session) {
  return html`<div class="inset" data-status=${outcome.status}>
    <p><strong>${t(`outcome.${outcome.status}`)}</strong></p>
    ${outcome.position ? html`<p>${t("outcome.position", { n: outcome.position })}</p>` : nothing}
    ${outcome.reason ? html`<p>${spoken(outcome.reason)}</p>` : nothing}
    ${former ? html`<p>${t("change.still")}</p>` : nothing}
    ${outcome.overlaps_with ? html`<p>${t("outcome.overlaps")}</p>` : nothing}
    ${outcome.until && outcome.status !== "offered" ? toVerify(t("outcome.verify", { until: moment(outcome.until) }), "button main") : nothing}
    ${outcome.token && !outcome.until ? toVerify(t("me.unverified"), "button") : nothing}
    ${outcome.registration_id ? html`<p><a class="button" href="/me">${t("outcome.mine")}</a></p>` : nothing}
  </div>`;
}

function toVerify(words, look) {
  return html`<p>${words}</p>
    <p><a class=${look} href="/sign-in?verify=${encodeURIComponent(outcome.participant_id)}&next=/me">${t("sign-in.verify")}</a></p>`;
}
