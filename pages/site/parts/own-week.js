// One's own week as this device keeps it: so tickets can be shown without a network. Signing out forgets it (account.js).
import { account } from "./account.js";
import { all, ask } from "./api.js";
import { stored, store } from "./kept.js";

// Who stands at a door and has the list already does not wait longer for a newer one.
const OPTIONS = { seconds: 8, tries: 2 };
const HOLDS = new Set(["confirmed", "checked_in"]);
// By registration and ticket: the address of its picture.
const pictures = new Map();

/** {at, me, registrations, awards, unread, tickets}, as it was when it was read last on this device; or null. */
export function keptWeek() {
  return account() && stored(nameOf(account()));
}

/** Whether a registration has a ticket. */
export function holds(registration) {
  return HOLDS.has(registration.status);
}

/** Read it anew, and keep it. Awards that cannot be read are null. */
export async function readWeek() {
  const owner = account();
  const [me, registrations, awards, { unread }] = await Promise.all([
    ask("registration", "/me", OPTIONS),
    all("registration", "/registrations", "registrations", undefined, OPTIONS),
    // A ticket must not wait for what another service has.
    all("awards", "/me/awards", "awards", undefined, OPTIONS).catch(() => null),
    ask("notifications", "/inbox/unread-count", { ...OPTIONS, tries: 1 }).catch(() => ({ unread: "?" })),
  ]);
  const before = stored(nameOf(owner))?.tickets ?? {};
  const held = registrations.filter(holds).map(ticketOf);
  const tickets = Object.fromEntries(held.filter((name) => before[name]).map((name) => [name, before[name]]));
  return keep(owner, { at: Date.now(), me, registrations, awards, unread, tickets });
}

/** Fetch the tickets that are not kept yet. */
export async function keepTickets(week) {
  for (const one of week.registrations.filter(holds)) if (!week.tickets[ticketOf(one)]) await fetchTicket(week, one);
}

export async function fetchTicket(week, registration) {
  const owner = account();
  const picture = await ask("registration", `/registrations/${registration.registration_id}/ticket.svg`, { as: "blob" });
  const name = ticketOf(registration);
  week.tickets[name] = await picture.text();
  // The list may have been read anew meanwhile.
  const latest = stored(nameOf(owner));
  if (latest) keep(owner, { ...latest, tickets: { ...latest.tickets, [name]: week.tickets[name] } });
}

/** The address of the picture of a ticket, or undefined: it is not kept. */
export function pictureOf(week, registration) {
  const name = ticketOf(registration);
  const kept = week.tickets[name];
  if (kept && !pictures.has(name)) pictures.set(name, URL.createObjectURL(new Blob([kept], { type: "image/svg+xml" })));
  return pictures.get(name);
}

// A ticket stays the same when its session moves. It is another one when it lets in more or fewer people, and when
// somebody has cancelled and registered for the same session again: the registration is the same then.
function ticketOf(registration) {
  return `${registration.registration_id} ${registration.ticket_code} ${registration.places}`;
}

function nameOf(owner) {
  return `week.${owner.participant_id}`;
}

function keep(owner, week) {
  // Somebody may have signed out meanwhile.
  if (account()?.participant_id === owner.participant_id) store(nameOf(owner), week);
  return week;
}
