// A door: tickets are scanned or typed, and people come in. Without a network the list decides that was loaded before.
import { ask, Unreached } from "../parts/api.js";
import { Camera } from "../parts/camera.js";
import { device, differs, insideOf, isAway, loadList, note, savedList, savedLists, scans, send, undo, unsent } from "../parts/door-exchange.js";
import { rule, rulePicked } from "../parts/door-list.js";
import { conflictsOf, sessionsToChoose, verdictOf } from "../parts/door-pieces.js";
import { randomName } from "../parts/kept.js";
import { alsoWords, named } from "../parts/language.js";
import { mayChange, organise, organiseAll, organiser, showToOrganisers } from "../parts/organiser.js";
import { announce, attempt, button, field, form, html, loading, nothing, t, update } from "../parts/page.js";
import { now, synchronise } from "../parts/server-clock.js";
import { keepAwake, mute, muted, signal } from "../parts/signals.js";
import { clock, span } from "../parts/times.js";
import { date } from "../parts/week.js";

await alsoWords("door");

// A person at the door waits no longer for the service: then the list decides.
const SLOW_SECONDS = 2;
const NEXT_MS = 2000;
const TICK_MS = 5000;
const FRESH_MS = 60_000;
const RECENT = 6;
const SCANNED_CHARS_MAX = 300;
const PEOPLE_MAX = 500;
const DOOR_MENU = [["door", "/door", "organise.door"]];

const sessionId = new URLSearchParams(location.search).get("session");
const path = `/sessions/${encodeURIComponent(sessionId)}`;
const camera = new Camera((ticket) => take({ ticket }), () => ((cameraOn = false), update()));
let offered = null;
// The list of this door, with the keys of tickets.
let door = null;
// The session as the programme has it: how many people are expected.
let session = null;
let conflicts = [];
// The verdict that is shown, and a typed code that nobody can check without a network: the people at the door decide.
let shown = null;
let undecided = null;
let found = null;
let cameraOn = false;
let reached = true;
// What this device cannot do, in words.
let warning = "";
let line = Promise.resolve();
let busy = false;
let ticking = null;
let timer;

const mayLetIn = () => mayChange() || organiser()?.role === "door";

await showToOrganisers(title, body, () => attempt(load), mayChange() ? {} : { menu: DOOR_MENU });

async function load() {
  if (!sessionId) return choose();
  if (!ticking) begin();
  door = await savedList(sessionId);
  update();
  try {
    await refresh();
  } catch (error) {
    if (!door || !isAway(error)) throw error;
    reached = false;
  }
  await tick();
}

function begin() {
  // The worker keeps this page from now on.
  navigator.serviceWorker?.ready.then((registered) => registered.active.postMessage("keep"));
  ticking = setInterval(tick, TICK_MS);
  addEventListener("online", tick);
  document.addEventListener("keydown", typeIntoCode);
  keepAwake();
}

/** The sessions whose doors are open or will be: all of them with a network, else those whose lists are here. */
async function choose() {
  const kept = await savedLists();
  const known = new Map(kept.map((list) => [list.session_id, { ...list, kept: true }]));
  try {
    if (!navigator.onLine) throw new Unreached();
    for (const activity of await organiseAll("registration", "/activities", "activities"))
      for (const one of activity.sessions)
        known.set(one.session_id, { ...one, title: activity.title, kept: known.has(one.session_id) });
  } catch (error) {
    if (!isAway(error)) throw error;
    reached = false;
  }
  const coming = [...known.values()].filter((one) => date(one.ends_at) >= date(Date.now()));
  offered = coming.sort((one, other) => (one.starts_at < other.starts_at ? -1 : 1));
}

async function refresh() {
  synchronise();
  door = await loadList(sessionId);
  warning = door.kept ? "" : t("door.full");
  conflicts = (await organise("registration", `${path}/scans?conflict=true&limit=50`, { tries: 1 })).scans;
  if (session) {
    const activity = await ask("registration", `/activities/${encodeURIComponent(session.activity_id)}`, { token: null, tries: 1 });
    session = { ...session, ...activity.sessions.find((one) => one.session_id === sessionId) };
  } else {
    const activities = await organiseAll("registration", "/activities", "activities");
    const of = activities.flatMap((one) => one.sessions.map((each) => ({ ...each, activity_id: one.activity_id })));
    session = of.find((one) => one.session_id === sessionId) ?? null;
  }
}

/** Send what is noted, and load the list again. What fails is repeated the next time. */
async function tick() {
  if (busy || !door || !organiser() || !navigator.onLine) return update();
  busy = true;
  try {
    const waiting = unsent().length;
    await send();
    if (waiting || Date.now() - door.loaded_at > FRESH_MS) await refresh();
    reached = true;
    warning = door.kept ? "" : t("door.full");
  } catch (error) {
    reached = !isAway(error);
    if (reached) warning = error.message;
  } finally {
    busy = false;
    update();
  }
}

/** Check what is shown, one after the other: a hand scanner is faster than an answer. */
function take(what) {
  const people = peopleOf();
  line = line.then(async () => (await attempt(() => check({ ...what, people }))) || camera.resume());
}

async function check(what) {
  clearTimeout(timer);
  camera.pause();
  undecided = null;
  const scan = { scan_id: randomName(), session_id: sessionId, scanned_at: new Date().toISOString(), ...what };
  const verdict = await asked(scan);
  if (verdict) return tell(verdict);
  const inside = insideOf(scans(sessionId));
  const ruling = scan.ticket
    ? await rule(door.list, door.keys, inside, scan.ticket, scan.people, now())
    : rulePicked(door.list, inside, scan.registration_id, scan.people, now());
  if (ruling.verdict === "unchecked") {
    undecided = { scan, ruling };
    tell(ruling, "fair");
  } else decide(scan, ruling, ruling.verdict === "ok");
}

/** The service's verdict; null if it cannot be had soon, or still has to get earlier scans. */
async function asked({ scan_id, ticket, registration_id, people, ...scan }) {
  if (!navigator.onLine || unsent(sessionId).length) return null;
  const body = { scan_id, people, session_id: sessionId, device: device(), ...(ticket ? { ticket } : { registration_id }) };
  try {
    const verdict = await organise("registration", "/check-ins", { method: "POST", body, tries: 1, seconds: SLOW_SECONDS });
    reached = true;
    const said = { verdict: verdict.verdict, said: verdict.verdict, let_in: verdict.verdict === "ok", came_in: verdict.people };
    note({ ...scan, scan_id, people, ...said, registration_id: verdict.registration_id, sent_at: Date.now() });
    return verdict;
  } catch (error) {
    if (!isAway(error)) throw error;
    reached = false;
    return null;
  }
}

/** Note what this door does without a network, then say it. */
function decide(scan, ruling, letIn) {
  const kept = note({
    ...scan,
    registration_id: ruling.registration_id,
    verdict: ruling.verdict,
    let_in: letIn,
    came_in: letIn ? ruling.people : 0,
  });
  if (!kept) warning = t("door.full");
  // Whoever was sent away by the people at the door needs no verdict.
  if (undecided && !letIn) next();
  else tell({ ...ruling, verdict: letIn ? "ok" : ruling.verdict });
  undecided = null;
  tick();
}

function tell(verdict, outcome = verdict.verdict === "ok" ? "good" : "bad") {
  shown = { ...verdict, outcome };
  signal(outcome);
  if (outcome === "good") timer = setTimeout(next, NEXT_MS);
}

function next() {
  clearTimeout(timer);
  shown = null;
  undecided = null;
  camera.resume();
  update();
  // On a phone the keyboard would cover the camera.
  if (matchMedia("(pointer: fine)").matches) document.getElementById("code")?.focus();
}

function peopleOf() {
  const field = document.getElementById("people");
  const people = Number.parseInt(field?.value, 10);
  if (field) field.value = "";
  return people >= 1 && people <= PEOPLE_MAX ? people : null;
}

function submitted(event) {
  event.preventDefault();
  const code = event.target.elements.code;
  const ticket = code.value.trim().slice(0, SCANNED_CHARS_MAX);
  code.value = "";
  if (ticket) take({ ticket });
}

/** A hand scanner types wherever the keyboard is: its letters belong into the field. */
function typeIntoCode(event) {
  const typing = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (typing && !event.target.closest?.("input, select, summary")) document.getElementById("code")?.focus();
}

async function switchCamera() {
  if (cameraOn) {
    camera.stop();
    cameraOn = false;
    return;
  }
  cameraOn = true;
  update();
  try {
    await camera.start(document.getElementById("camera"));
  } catch (error) {
    cameraOn = false;
    camera.stop();
    announce(error.name === "NotAllowedError" ? t("door.camera-refused") : t("door.camera-none"));
  }
}

function title() {
  return door?.list.title ?? t("organise.door");
}

function body() {
  if (!mayLetIn()) return html`<p>${t("door.not-allowed")}</p>`;
  if (!sessionId) return offered ? sessionsToChoose(offered, reached) : html`${loading()}${button(t("door.again"), load)}`;
  if (!door) return html`${loading()}<p class="row">${button(t("door.again"), load)} <a href="/door">${t("door.other")}</a></p>`;
  return html`
    <p>${span(door.list.starts_at, door.list.ends_at)} · ${door.list.venue}</p>
    ${state()}
    <div role="alert">${shown ? verdictOf(shown) : nothing}</div>
    ${shown ? html`<p class="row">${choices()}</p>` : nothing}
    ${cameraOn ? html`<video id="camera" class="camera" playsinline .muted=${true} aria-label=${t("door.camera")}></video>` : nothing}
    <p class="row">
      ${button(cameraOn ? t("door.camera-off") : t("door.camera-on"), switchCamera, { kind: cameraOn ? "plain" : "main" })}
      <button type="button" aria-pressed=${muted() ? "true" : "false"} @click=${() => (mute(!muted()), update())}>${t("door.mute")}</button>
    </p>
    <form @submit=${submitted}>
      ${field("code", t("door.code"), { required: true, autocomplete: "off", hint: t("door.code-hint"), maxlength: SCANNED_CHARS_MAX })}
      ${field("people", t("door.people"), { autocomplete: "off", inputmode: "numeric", hint: t("door.people-hint"), maxlength: 3 })}
      <p><button class=${cameraOn ? "plain" : "main"}>${t("door.check")}</button></p>
    </form>
    ${recent()} ${differing()} ${withoutTicket()}
    <p><a href="/door">${t("door.other")}</a></p>
  `;
}

/** How many are in, and whether the service has all scans. */
function state() {
  const listed = [...door.list.entries.values()].reduce((sum, entry) => sum + entry.people_in, 0);
  const here = scans(sessionId).reduce((sum, scan) => sum + (scan.listed || scan.undone ? 0 : scan.came_in), 0);
  const waiting = unsent().length;
  const taken = session ? session.capacity - session.free : null;
  return html`<p class="score" data-in=${listed + here}>${taken === null ? t("door.in", { n: listed + here }) : t("door.in-of", { n: listed + here, of: taken })}</p>
    <p data-unsent=${waiting} class=${waiting || !reached ? "fair" : "good"}>
      ${waiting ? t("door.waiting", { n: waiting }) : reached ? t("door.online") : t("door.offline")}
      <small>${t("door.list-of", { at: clock(door.loaded_at) })}</small>
    </p>
    ${warning ? html`<p class="bad">${warning}</p>` : nothing}`;
}

function choices() {
  if (!undecided) return button(t("door.next"), async () => next(), { kind: "main next" });
  const { scan, ruling } = undecided;
  return html`${button(t("door.let-in"), async () => decide(scan, ruling, true))}
    ${button(t("door.send-away"), async () => decide(scan, ruling, false), { kind: "danger" })}`;
}

function recent() {
  const last = scans(sessionId).slice(-RECENT).reverse();
  if (!last.length) return nothing;
  const back = last.find((scan) => scan.let_in && !scan.undone);
  return html`<h2>${t("door.recent")}</h2>
    <ul class="cards">${last.map(
      (scan) => html`<li class="row" data-scan=${scan.verdict}>
        <span class="time">${clock(scan.scanned_at)}</span>
        <span class=${scan.let_in && !scan.undone ? "good" : "bad"}>${scan.undone ? t("door.undone") : done(scan)}</span>
        ${scan.sent_at ? nothing : html`<small class="fair">${t("door.unsent")}</small>`}
        ${scan === back ? button(t("door.undo"), () => takeBack(scan)) : nothing}
      </li>`,
    )}</ul>`;
}

function done(scan) {
  return scan.let_in ? t("door.came-in", { n: scan.came_in }) : named("verdict", scan.verdict);
}

async function takeBack(scan) {
  next();
  await undo(scan).catch((error) => {
    // It is done as soon as there is a network.
    if (!isAway(error)) throw error;
  });
  // The list may have these people as being in.
  door.loaded_at = 0;
  await tick();
  announce(t("door.undone-told"));
}

function differing() {
  const known = new Set(conflicts.map((one) => one.scan_id));
  const own = scans(sessionId).filter((scan) => differs(scan) && !known.has(scan.scan_id));
  return conflictsOf([...conflicts, ...own.map((scan) => ({ ...scan, verdict: scan.said, device: device() }))], device());
}

/** Somebody without a ticket is found by the number on the printed list, after the usual check of who it is. */
function withoutTicket() {
  return html`<details>
    <summary>${t("door.without")}</summary>
    <p>${t("door.without-explained")}</p>
    ${form(field("number", t("door.number"), { required: true, inputmode: "numeric", autocomplete: "off", maxlength: 6 }), t("door.find"), find, { kind: "plain" })}
    ${found === null ? nothing : found.length ? html`<ul class="cards">${found.map(person)}</ul>` : html`<p>${t("door.nobody")}</p>`}
  </details>`;
}

async function find({ number }) {
  const list = await organiseAll("registration", `${path}/registrations`, "registrations", 20_000);
  found = list.filter((one) => one.number === Number.parseInt(number, 10));
}

function person(one) {
  const about = [one.district, one.audience && t(`audience.${one.audience}`), t("door.for", { n: one.places })].filter(Boolean);
  return html`<li class="card">
    <p>${t("door.number-of", { n: one.number })} · ${about.join(" · ")}</p>
    ${button(t("door.let-in"), async () => ((found = null), take({ registration_id: one.registration_id })), { kind: "main" })}
  </li>`;
}
