// The server's time. A device's clock may be wrong, may be set while somebody answers, and the device may sleep.
const TICK_SECONDS = 1;
const ASK_SECONDS_MAX = 5;
const AGAIN_SECONDS_MAX = 30;
// The Date header has whole seconds.
const HALF_SECOND = 500;
// More than this between the two clocks of the device: it slept, or its clock was set.
const JUMP_MS = 2000;

let offset = 0;
let known = false;
let wall = Date.now();
let steady = performance.now();
let asking = null;
let failures = 0;
let askedAt = -Infinity;

/** Now, in milliseconds since 1970, as the server's clock says. */
export function now() {
  notice();
  return Date.now() + offset;
}

/** Whether the server was asked since the device slept or its clock was set. */
export function isKnown() {
  notice();
  return known;
}

/**
 * Ask the server for its time: a small static file, which costs the services nothing.
 *
 * One question at a time, and after failures not each second. False: there was no answer.
 */
export function synchronise() {
  const pause = Math.min(TICK_SECONDS * 2 ** failures, AGAIN_SECONDS_MAX) * 1000;
  if (failures && performance.now() - askedAt < pause) return Promise.resolve(false);
  asking ??= ask().finally(() => (asking = null));
  return asking;
}

/** Call this each second, and once when the page is seen again or the network is back. */
export function everySecond(work) {
  setInterval(work, TICK_SECONDS * 1000);
  document.addEventListener("visibilitychange", () => document.hidden || work());
  addEventListener("online", () => {
    failures = 0;
    work();
  });
}

async function ask() {
  const ending = new AbortController();
  const timer = setTimeout(() => ending.abort(), ASK_SECONDS_MAX * 1000);
  const began = (askedAt = performance.now());
  try {
    const answer = await fetch("/robots.txt", { method: "HEAD", cache: "no-store", signal: ending.signal });
    const said = Date.parse(answer.headers.get("date"));
    if (!said) throw new Error("no date");
    notice();
    offset = said + HALF_SECOND + (performance.now() - began) / 2 - Date.now();
    known = true;
    failures = 0;
    return true;
  } catch {
    failures += 1;
    return false;
  } finally {
    clearTimeout(timer);
  }
}

function notice() {
  const wallNow = Date.now();
  const steadyNow = performance.now();
  const jump = wallNow - wall - (steadyNow - steady);
  if (Math.abs(jump) > JUMP_MS) {
    // After a sleep the wall clock is right. If somebody set it back, time goes on by the steady clock.
    if (jump < 0) offset -= jump;
    known = false;
    failures = 0;
  }
  wall = wallNow;
  steady = steadyNow;
}
