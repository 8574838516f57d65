// The server's time. A device's clock may be wrong, may be set while somebody answers, and the device may sleep.
const TICK_SECONDS = 1;
// The Date header has whole seconds.
const HALF_SECOND = 500;
// More than this between the two clocks of the device: it slept, or its clock was set.
const JUMP_MS = 2000;

let offset = 0;
let known = false;
let wall = Date.now();
let steady = performance.now();

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

/** Ask the server for its time: a small static file, which costs the services nothing. False: it cannot be reached. */
export async function synchronise() {
  const began = Date.now();
  try {
    const answer = await fetch("/robots.txt", { method: "HEAD", cache: "no-store" });
    const said = Date.parse(answer.headers.get("date"));
    if (!said) return false;
    notice();
    offset = said + HALF_SECOND - (began + Date.now()) / 2;
    known = true;
    return true;
  } catch {
    return false;
  }
}

/** Call this each second, and once when the page is seen again or the network is back. */
export function everySecond(work) {
  setInterval(work, TICK_SECONDS * 1000);
  document.addEventListener("visibilitychange", () => document.hidden || work());
  addEventListener("online", work);
}

function notice() {
  const wallNow = Date.now();
  const steadyNow = performance.now();
  const jump = wallNow - wall - (steadyNow - steady);
  if (Math.abs(jump) > JUMP_MS) {
    // After a sleep the wall clock is right. If somebody set it back, time goes on by the steady clock.
    if (jump < 0) offset -= jump;
    known = false;
  }
  wall = wallNow;
  steady = steadyNow;
}
