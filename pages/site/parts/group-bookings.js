// The bookings of a group: ask for places for members, change who comes, cancel, print the ticket.
import { all, ask, Refused } from "./api.js";
import { download } from "./download.js";
import { randomName } from "./kept.js";
import { named } from "./language.js";
import { memberChoice } from "./member-choice.js";
import { announce, button, choice, form, html, nothing, t } from "./page.js";
import { canBeAsked } from "./sessions.js";
import { spoken } from "./spoken.js";
import { moment } from "./times.js";

const HOLDS = new Set(["confirmed", "checked_in"]);
// What can still be changed or cancelled.
const OPEN = new Set(["confirmed", "waitlisted", "offered", "held"]);
let sessions = [];
// The form that is open: {session_id, chosen, key} for a booking, {registration_id, chosen} for who comes.
let booking = null;
let changing = null;
let leaving = null;
let outcome = null;

/** Open the form, for this session if one is named. */
export async function openBooking(sessionId) {
  const activities = await all("registration", "/activities", "activities");
  sessions = activities
    .flatMap((activity) => activity.sessions.map((session) => ({ ...session, title: activity.title })))
    .filter(canBeAsked)
    .sort((one, other) => one.starts_at.localeCompare(other.starts_at));
  const wanted = sessions.find((one) => one.session_id === sessionId);
  booking = { session_id: (wanted ?? sessions[0])?.session_id, chosen: new Set(), key: randomName() };
  [changing, outcome] = [null, null];
}

/** `read` reads the group anew. */
export function bookingsSection(group, read) {
  const shown = group.bookings.filter((one) => one.status !== "cancelled");
  return html`<section aria-labelledby="book">
    <h2 id="book">${t("groups.bookings")}</h2>
    ${outcome ? html`<div class="inset" data-status=${outcome.status}><p><strong>${t(`outcome.${outcome.status}`)}</strong> ${spoken(outcome.reason)}</p></div>` : nothing}
    ${booking ? bookingForm(group, read) : html`<p>${button(t("groups.book"), () => openBooking(null), { kind: "main" })}</p>`}
    ${shown.length ? html`<ul class="cards">${shown.map((one) => booked(group, one, read))}</ul>` : html`<p>${t("groups.no-bookings")}</p>`}
  </section>`;
}

function bookingForm(group, read) {
  if (!sessions.length) return html`<p>${t("groups.no-sessions")} <a href="/">${t("me.to-programme")}</a></p>`;
  const options = sessions.map((one) => [one.session_id, `${moment(one.starts_at)} ${one.title}`]);
  const session = sessions.find((one) => one.session_id === booking.session_id);
  return html`<div class="inset next" tabindex="-1">
    ${form(
      html`${choice("session_id", t("groups.session"), options, { value: booking.session_id, changed: (value) => (booking.session_id = value) })}
      ${session?.minors_need_consent ? html`<p>${t("groups.needs-consent")}</p>` : nothing}
      ${memberChoice(group.members, booking.chosen)}`,
      t("booking.send"),
      () => book(group, read),
    )}
    ${button(t("form.cancel"), async () => (booking = null))}
  </div>`;
}

async function book(group, read) {
  const { session_id, chosen, key } = booking;
  const body = { session_id, member_ids: [...chosen] };
  try {
    outcome = await ask("registration", `${group.path}/bookings`, { method: "POST", body, headers: { "idempotency-key": key }, again: true });
  } catch (error) {
    // Certainly nothing was booked: what is sent next is another request. Otherwise it is this one again.
    if (error instanceof Refused && error.status < 500 && error.status !== 429) booking.key = randomName();
    throw error;
  }
  booking = null;
  announce(t(`outcome.${outcome.status}`));
  await read();
}

function booked(group, one, read) {
  const holds = HOLDS.has(one.status);
  const is = `${one.activity_title} ${moment(one.starts_at)}`;
  const names = one.member_ids.map((id) => group.members.find((member) => member.member_id === id)?.name).filter(Boolean);
  return html`<li class="card" data-registration=${one.registration_id}>
    <h3>${spoken(one.activity_title)}</h3>
    <p><span class="time">${moment(one.starts_at)}</span> · ${spoken(one.venue)}</p>
    <p><strong class=${holds ? "good" : "fair"}>${named("status", one.status)}</strong> · ${t("booking.places", { n: one.places })}
      ${one.position ? t("outcome.position", { n: one.position }) : nothing}</p>
    ${one.ticket_code ? html`<p>${t("me.ticket-code")} <code>${one.ticket_code}</code></p>` : nothing}
    <details><summary>${t("groups.who-comes", { n: one.member_ids.length })}</summary><p>${spoken(names.join(" · "))}</p></details>
    ${changing?.registration_id === one.registration_id ? changeForm(group, one, read) : nothing}
    <div class="row">
      ${holds ? button(t("me.print"), () => download("registration", `${group.path}/bookings/${one.registration_id}/ticket.pdf`, "ticket.pdf"), { name: `${t("me.print")}: ${is}` }) : nothing}
      ${OPEN.has(one.status) && !changing ? button(t("groups.change-who"), async () => openChange(one), { name: `${t("groups.change-who")}: ${is}` }) : nothing}
      ${!OPEN.has(one.status) ? nothing : leaving === one.registration_id
        ? html`<p>${t("groups.cancel-sure", { n: one.places })}</p> ${button(t("me.cancel-now"), () => cancel(group, one, read), { kind: "danger" })} ${button(t("me.keep"), async () => (leaving = null))}`
        : button(t("me.cancel"), async () => (leaving = one.registration_id), { name: `${t("me.cancel")}: ${is}` })}
    </div>
  </li>`;
}

function openChange(one) {
  changing = { registration_id: one.registration_id, chosen: new Set(one.member_ids) };
  booking = null;
}

function changeForm(group, one, read) {
  return html`<div class="inset next" tabindex="-1">
    ${form(memberChoice(group.members, changing.chosen), t("data.save"), async () => {
      const body = { member_ids: group.members.map((member) => member.member_id).filter((id) => changing.chosen.has(id)) };
      await ask("registration", `${group.path}/bookings/${one.registration_id}/attendees`, { method: "PUT", body });
      changing = null;
      announce(t("data.saved"));
      await read();
    })}
    ${button(t("form.cancel"), async () => (changing = null))}
  </div>`;
}

async function cancel(group, one, read) {
  await ask("registration", `${group.path}/bookings/${one.registration_id}/cancel`, { method: "POST", again: true });
  leaving = null;
  announce(t("me.cancelled"));
  await read();
}
