// Times in words, in the week's own time zone: an activity begins when the clock of its city says so.
import { language } from "./language.js";
import { WEEK } from "./week.js";

const format = (options) => new Intl.DateTimeFormat(language, { timeZone: WEEK.timezone, ...options });
const DAY = format({ month: "long", day: "numeric", weekday: "short" });
const CLOCK = format({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const ISO = new Intl.DateTimeFormat("en-CA", { timeZone: WEEK.timezone, year: "numeric", month: "2-digit", day: "2-digit" });

export const day = (time) => DAY.format(new Date(time));
export const clock = (time) => CLOCK.format(new Date(time));
export const moment = (time) => `${day(time)} ${clock(time)}`;
/** A day as 2026-05-20, to compare and to sort by. */
export const date = (time) => ISO.format(new Date(time));

/** From when to when, the day once if it is one. */
export function span(from, to) {
  return date(from) === date(to) ? `${day(from)} ${clock(from)}–${clock(to)}` : `${moment(from)} – ${moment(to)}`;
}

const MINUTES = new Intl.NumberFormat(language, { style: "unit", unit: "minute", unitDisplay: "long" });
const SECONDS = new Intl.NumberFormat(language, { style: "unit", unit: "second", unitDisplay: "long" });

/** Seconds in words, such as 7 minutes 11 seconds. */
export function inWords(seconds) {
  const minutes = Math.floor(seconds / 60);
  const rest = Math.round(seconds % 60);
  return [minutes ? MINUTES.format(minutes) : "", rest || !minutes ? SECONDS.format(rest) : ""].filter(Boolean).join(" ");
}

/** Seconds as 1:05 or 1:00:05. */
export function duration(seconds) {
  const whole = Math.max(0, Math.ceil(seconds));
  const parts = [Math.floor(whole / 60) % 60, whole % 60].map((part) => String(part).padStart(2, "0"));
  const hours = Math.floor(whole / 3600);
  return hours ? `${hours}:${parts.join(":")}` : `${Number(parts[0])}:${parts[1]}`;
}
