// Checks tickets without a network, by a door list that was loaded before. All functions are pure.
//
// The same rules as ops/door/verifier.py, and the same verdicts: tests/pages/test_door_list.py. The forms of tickets and
// lists: docs/integrating.md, "Check tickets". What is decided here is preliminary: the service decides again when the
// scans are sent, and finds what one door alone cannot know.
import { isSigned } from "./signature.js";
import { date } from "./week.js";

const PREFIX = "KW1";
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SIGNATURE_BYTES = 64;
const TICKET_SIGNED_AS = "kepu-ticket-1\n";
const LIST_SIGNED_AS = "kepu-door-list-1\n";
// A ticket is valid from this time before its session until this time after it.
const BEFORE_MS = 3 * 3600_000;
const AFTER_MS = 2 * 3600_000;
// A typed code: ten characters of Crockford's base32.
const CODE = /^[0-9A-HJKMNP-TV-Z]{10}$/;
const HEARD = { O: "0", I: "1", L: "1" };

const text = new TextEncoder();

/** The list is not signed by the service, or its pages do not belong together. */
export class ListRefused extends Error {}

/** The public keys of an answer of `GET /tickets/keys`: a Map of bytes by the ids of the keys. */
export function keysOf(answer) {
  return new Map(answer.keys.map((key) => [key.key_id, bytesOf(key.public_key)]));
}

/** The ticket of a scanned text; null if it is none, or none of these keys has signed it. Times in milliseconds. */
export async function readTicket(scanned, keys) {
  const signed = signedIn(plain(scanned));
  if (!signed || signed.length <= SIGNATURE_BYTES) return null;
  const body = signed.subarray(0, -SIGNATURE_BYTES);
  const ticket = ticketIn(body);
  const key = ticket && keys.get(ticket.key_id);
  if (!key) return null;
  return (await isSigned(joined(text.encode(TICKET_SIGNED_AS), body), signed.subarray(-SIGNATURE_BYTES), key)) ? ticket : null;
}

/**
 * A list from its pages, in their order: each with `list`, `key_id` and `signature`, as the service answers them.
 *
 * Throws ListRefused if a page is not signed with one of the keys, or if pages are missing.
 */
export async function readList(pages, keys) {
  const contents = await Promise.all(pages.map((page) => contentOf(page, keys)));
  if (!contents.length) throw new ListRefused("the list has no page");
  const first = contents[0];
  const begins = [0, ...contents.map((page) => page.next_page)];
  const complete = contents.every((page, at) => page.page_begins === begins[at] && page.session_id === first.session_id);
  if (!complete || begins[contents.length] !== null) throw new ListRefused("pages of the list are missing, or are of another session");
  return {
    session_id: first.session_id,
    title: first.activity_title,
    venue: first.venue,
    starts_at: first.starts_at,
    ends_at: first.ends_at,
    days: new Set([date(first.starts_at), date(first.ends_at)]),
    opens_at: Date.parse(first.door_opens_at),
    closes_at: Date.parse(first.door_closes_at),
    cancelled: first.cancelled,
    entries: new Map(contents.flatMap((page) => page.entries).map((entry) => [entry.registration_id, entry])),
  };
}

/**
 * The verdict on what was scanned or typed: {verdict, people, registration_id}. Only `ok` lets people in.
 *
 * `unchecked`: nobody can check a typed code without a network. The people at the door decide.
 * `inside`: a Map of how many people of each registration came in that the list does not know of.
 * `people`: how many want to come in; null: all who are not in yet. `at` in milliseconds.
 */
export async function rule(list, keys, inside, scanned, people, at) {
  if (CODE.test(typed(scanned))) return { verdict: "unchecked", people: people ?? 1, registration_id: null };
  const ticket = await readTicket(scanned, keys);
  if (!ticket) return { verdict: "unknown", people: 0, registration_id: null };
  const id = ticket.registration_id;
  const verdict = refusal(list, ticket, at);
  if (verdict) return { verdict, people: 0, registration_id: id };
  const entry = entryOf(list, ticket);
  return admitted(id, entry?.places ?? ticket.places, (entry?.people_in ?? 0) + (inside.get(id) ?? 0), people);
}

/**
 * The verdict on somebody without a ticket, whom the people at the door have picked from the list of registrations.
 *
 * Never call it with what somebody shows: the id of a registration is no secret.
 */
export function rulePicked(list, inside, id, people, at) {
  const entry = list.entries.get(id);
  const standing = entry && entry.standing !== "place" ? entry.standing : null;
  const verdict = (list.cancelled ? "session_cancelled" : standing) ?? refusalByTime(list, at);
  if (verdict) return { verdict, people: 0, registration_id: id };
  if (!entry) return { verdict: "unchecked", people: people ?? 1, registration_id: id };
  return admitted(id, entry.places, entry.people_in + (inside.get(id) ?? 0), people);
}

function admitted(id, places, peopleIn, people) {
  const left = places - peopleIn;
  const wanted = people ?? left;
  const verdict = left <= 0 ? "already_checked_in" : wanted > left ? "too_many" : "ok";
  return { verdict, people: verdict === "ok" ? wanted : 0, registration_id: id, places, people_in: peopleIn };
}

function refusal(list, ticket, at) {
  const entry = list.entries.get(ticket.registration_id);
  if (ticket.session_id !== list.session_id) {
    const theirs = [date(ticket.valid_from + BEFORE_MS), date(ticket.valid_until - AFTER_MS)];
    return theirs.some((day) => list.days.has(day)) ? "wrong_session" : "wrong_day";
  }
  if (entry && ticket.round < entry.round) return "revoked";
  if (list.cancelled) return "session_cancelled";
  const same = entryOf(list, ticket);
  if (same && ["cancelled", "revoked"].includes(same.standing)) return same.standing;
  return refusalByTime(list, at);
}

function refusalByTime(list, at) {
  if (list.opens_at <= at && at <= list.closes_at) return null;
  if (!list.days.has(date(at))) return "wrong_day";
  return at < list.opens_at ? "too_early" : "too_late";
}

/** The list's entry of this very ticket. Who waits on the list has got a place since: else there would be no ticket. */
function entryOf(list, ticket) {
  const entry = list.entries.get(ticket.registration_id);
  return entry?.round === ticket.round ? entry : undefined;
}

async function contentOf(page, keys) {
  const key = keys.get(page.key_id);
  const content = joined(text.encode(LIST_SIGNED_AS), text.encode(page.list));
  if (!key || !(await isSigned(content, bytesOf(page.signature), key))) {
    throw new ListRefused("the list is not signed by a key that is known here");
  }
  return JSON.parse(page.list);
}

/** What the bytes of a ticket say before its signature; null if they say none. */
function ticketIn(body) {
  // A ticket of form 2 is for more than 255 people, and has 2 bytes for the places.
  const headBytes = { 1: 32, 2: 33 }[body[0]];
  if (!headBytes || body.length < headBytes || body.subarray(headBytes).some((byte) => byte > 127)) return null;
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  return {
    key_id: hexOf(body.subarray(1, 5)),
    registration_id: hexOf(body.subarray(5, 21)).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"),
    round: view.getUint16(21),
    places: body[0] === 1 ? view.getUint8(23) : view.getUint16(23),
    valid_from: view.getUint32(headBytes - 8) * 1000,
    valid_until: view.getUint32(headBytes - 4) * 1000,
    session_id: String.fromCharCode(...body.subarray(headBytes)),
  };
}

/** The bytes of a ticket's text in plain capital letters; null if it is none. */
function signedIn(letters) {
  if (!letters.startsWith(PREFIX)) return null;
  const bytes = [];
  let bits = 0;
  let left = 0;
  for (const letter of letters.slice(PREFIX.length)) {
    const value = LETTERS.indexOf(letter);
    if (value < 0) return null;
    bits = (bits << 5) | value;
    left += 5;
    if (left < 8) continue;
    left -= 8;
    bytes.push(bits >> left);
    bits &= (1 << left) - 1;
  }
  // Base32 has spare bits at the end: only one text is this ticket.
  return left < 5 && bits === 0 ? Uint8Array.from(bytes) : null;
}

/** A scanned text in plain capital letters, without spaces and what scanners put between. */
function plain(scanned) {
  return scanned.normalize("NFKC").replace(/[\s\x1c-\x1f\x85]+/g, "").toUpperCase();
}

/** A text as a typed code: without spaces and dashes of any kind, and O read as 0, I and L as 1. */
function typed(scanned) {
  const kept = scanned.normalize("NFKC").replace(/[\p{Pd}\p{Zs}\p{Cc}\p{Cf}\u2212\u30fc]/gu, "");
  return kept.toUpperCase().replace(/[OIL]/g, (letter) => HEARD[letter]);
}

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

function hexOf(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function joined(first, second) {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}
