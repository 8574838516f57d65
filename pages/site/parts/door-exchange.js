// A door and the service: the list is loaded before, each scan is noted on the device, and sent when there is a network.
//
// A scan is noted before its verdict is shown. Each note has a name of its own in the storage, so two tabs of a device
// never overwrite each other's. What was scanned is kept only until the service has it.
import { Refused, Unreached } from "./api.js";
import { keysOf, ListRefused, readList } from "./door-list.js";
import { forget, names, randomName, store, stored } from "./kept.js";
import { organise } from "./organiser.js";

const SCANS_A_REQUEST = 500;
const PAGES_MAX = 200;
const LOAD_SECONDS_MAX = 30;
const SEND_SECONDS_MAX = 30;
// As long as the service takes back a scan. Then a note is kept only if the list does not know of it yet.
const RECENT_MS = 30 * 60_000;
// A list is of no use a day after its door has closed.
const LIST_MS = 24 * 3600_000;
const LISTS = "door-list.";
const SCANS = "door-scan.";

/** The service or the network is away: the list decides. Any other refusal is one of the request. */
export function isAway(error) {
  return error instanceof Unreached || (error instanceof Refused && (error.status === 429 || error.status >= 500));
}

/** The id of this device at doors, always the same. */
export function device() {
  const kept = stored("door-device");
  if (kept) return kept;
  const made = `door-${randomName().slice(0, 8)}`;
  store("door-device", made);
  return made;
}

/**
 * Load the list of a session; the one before stays until the new one is whole.
 *
 * `kept` is false if this device could not store it: then it is gone when the page is closed.
 */
export async function loadList(sessionId) {
  // What the service had before this request is in the list.
  const known = scans(sessionId).filter((scan) => scan.sent_at);
  const options = { seconds: LOAD_SECONDS_MAX, tries: 1 };
  const keys = await organise("registration", "/tickets/keys", options);
  const pages = [];
  let after = 0;
  while (after !== null && pages.length < PAGES_MAX) {
    const page = await organise("registration", `/sessions/${encodeURIComponent(sessionId)}/door-list?after=${after}`, options);
    pages.push(page);
    after = page.after;
  }
  const list = await readList(pages, keysOf(keys));
  const kept = store(LISTS + sessionId, { keys, pages, loaded_at: Date.now() });
  for (const scan of known) {
    if (Date.now() - scan.sent_at > RECENT_MS) forget(SCANS + scan.scan_id);
    else change(scan.scan_id, { listed: true });
  }
  return { list, keys: keysOf(keys), loaded_at: Date.now(), kept };
}

/** The list that this device keeps of a session; null if there is none, or somebody has changed it. */
export async function savedList(sessionId) {
  const kept = stored(LISTS + sessionId);
  if (!kept) return null;
  try {
    const keys = keysOf(kept.keys);
    return { list: await readList(kept.pages, keys), keys, loaded_at: kept.loaded_at, kept: true };
  } catch (error) {
    if (error instanceof ListRefused) return null;
    throw error;
  }
}

/** The lists that this device keeps. Those of doors that are closed for long go. */
export async function savedLists() {
  const found = await Promise.all(names(LISTS).map((name) => savedList(name.slice(LISTS.length))));
  const lists = found.filter(Boolean).map((one) => one.list);
  for (const list of lists.filter(isOld)) {
    forget(LISTS + list.session_id);
    for (const scan of scans(list.session_id)) if (scan.sent_at) forget(SCANS + scan.scan_id);
  }
  return lists.filter((list) => !isOld(list));
}

/** Keep a scan; false: this device could store it only until the page is closed. */
export function note(scan) {
  return store(SCANS + scan.scan_id, { sent_at: null, ...scan });
}

/** The scans at a session's door that this device has noted, the earliest first. */
export function scans(sessionId) {
  const found = names(SCANS).map(stored).filter((scan) => scan && (sessionId === undefined || scan.session_id === sessionId));
  return found.sort((one, other) => (one.scanned_at < other.scanned_at ? -1 : 1));
}

/** Those that the service does not have yet; without a session those of all doors. */
export function unsent(sessionId) {
  return scans(sessionId).filter((scan) => !scan.sent_at);
}

/** How many people of each registration came in here that the list does not know of. */
export function insideOf(noted) {
  const inside = new Map();
  for (const scan of noted) {
    if (scan.registration_id && scan.came_in && !scan.listed && !scan.undone)
      inside.set(scan.registration_id, (inside.get(scan.registration_id) ?? 0) + scan.came_in);
  }
  return inside;
}

/** Send what the service does not have yet, of all sessions. Sending a scan twice changes nothing. */
export async function send() {
  for (const sessionId of new Set(unsent().map((scan) => scan.session_id))) {
    for (let some = next(sessionId); some.length; some = next(sessionId)) await sendSome(sessionId, some);
  }
  for (const scan of scans().filter((one) => one.undoing && one.sent_at)) await undoAtService(scan);
}

/** Take a scan back: at once on this device, and at the service when it can be reached. */
export async function undo(scan) {
  change(scan.scan_id, { undoing: true, undone: true });
  if (scan.sent_at) await undoAtService(scan);
}

/** Where the service sees it otherwise than this door: people came in who had no right to, or were sent away. */
export function differs(scan) {
  return Boolean(scan.said) && (scan.said === "ok") !== scan.let_in && !scan.undone;
}

const isOld = (list) => Date.now() - list.closes_at > LIST_MS;
const next = (sessionId) => unsent(sessionId).slice(0, SCANS_A_REQUEST);

async function sendSome(sessionId, some) {
  const body = { device: device(), sent_at: new Date().toISOString(), scans: some.map(sent) };
  const path = `/sessions/${encodeURIComponent(sessionId)}/scans`;
  let verdicts;
  try {
    verdicts = (await organise("registration", path, { method: "POST", body, tries: 1, seconds: SEND_SECONDS_MAX })).verdicts;
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 404) throw error;
    // There is no such session any more, so nobody can ever take them. They stay on the list of what went wrong.
    verdicts = some.map(() => ({ verdict: error.code }));
  }
  some.forEach((scan, at) => change(scan.scan_id, { sent_at: Date.now(), said: verdicts[at].verdict, ticket: null }));
}

/** A scan as the service gets it. Who was picked from a list has shown no ticket. */
function sent({ scan_id, ticket, registration_id, people, scanned_at, let_in }) {
  return { scan_id, ...(ticket ? { ticket } : { registration_id }), people, scanned_at, let_in };
}

async function undoAtService(scan) {
  const body = { device: device(), scan_id: scan.scan_id };
  try {
    await organise("registration", "/check-ins/undo", { method: "POST", body, tries: 1, seconds: SEND_SECONDS_MAX });
  } catch (error) {
    if (!(error instanceof Refused) || ![404, 409].includes(error.status)) throw error;
    if (error.code !== "scan_let_nobody_in") {
      // It is too long ago: the people are in.
      change(scan.scan_id, { undoing: false, undone: false });
      throw error;
    }
  }
  change(scan.scan_id, { undoing: false });
}

function change(scanId, changes) {
  const found = stored(SCANS + scanId);
  if (found) store(SCANS + scanId, { ...found, ...changes });
}
