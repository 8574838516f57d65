// Times in words, in the week's own time zone: an activity begins when the clock of its city says so.
import { t } from "./language.js";
import { date, shown, wall } from "./week.js";

const two = (number) => String(number).padStart(2, "0");

export const day = (time) => t("time.day", inParts(time));
/** A day with its year, for what is read years later. */
export const dated = (time) => t("time.dated", inParts(time));
export const clock = (time) => wall(time).slice(11, 16);
export const moment = (time) => `${day(time)} ${clock(time)}`;

// Not by Intl.DateTimeFormat: on a slow phone the first one of a page takes 0.2 s.
function inParts(time) {
  const at = shown(time);
  return {
    year: at.getUTCFullYear(),
    month: t(`time.month-${at.getUTCMonth() + 1}`),
    day: at.getUTCDate(),
    weekday: t(`time.weekday-${at.getUTCDay()}`),
  };
}

/** From when to when, the day once if it is one. */
export function span(from, to) {
  return `${day(from)} ${hours(from, to)}`;
}

/** From when to when, where the day of the beginning is said already. */
export function hours(from, to) {
  return date(from) === date(to) ? `${clock(from)}–${clock(to)}` : `${clock(from)} – ${moment(to)}`;
}

/** Seconds in words, such as 7 minutes 11 seconds. */
export function inWords(seconds) {
  const minutes = Math.floor(seconds / 60);
  const rest = Math.round(seconds % 60);
  const words = [minutes ? counted("minute", minutes) : "", rest || !minutes ? counted("second", rest) : ""];
  return words.filter(Boolean).join(t("time.between"));
}

function counted(unit, n) {
  return t(`time.${unit}${n === 1 ? "" : "s"}`, { n });
}

/** Seconds as 1:05 or 1:00:05. */
export function duration(seconds) {
  const whole = Math.max(0, Math.ceil(seconds));
  const parts = [Math.floor(whole / 60) % 60, whole % 60].map(two);
  const hours = Math.floor(whole / 3600);
  return hours ? `${hours}:${parts.join(":")}` : `${Number(parts[0])}:${parts[1]}`;
}
