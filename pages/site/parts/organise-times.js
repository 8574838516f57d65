// Times as the fields of forms have them: those of the week's own clock, wherever the organiser is.
import { WEEK } from "./week.js";

const PARTS = new Intl.DateTimeFormat("en-CA", {
  timeZone: WEEK.timezone,
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});

/** A time as the value of a field, such as 2027-05-20T09:00; empty for none. */
export function toField(time) {
  return time ? wall(Date.parse(time)).slice(0, 16) : "";
}

/** The time that a field's value means; null for an empty field. */
export function ofField(text) {
  const read = Date.parse(`${text}Z`);
  if (Number.isNaN(read)) return null;
  const ahead = (at) => Date.parse(`${wall(at)}Z`) - at;
  // Twice: the first guess may be on the other side of a change of the clock.
  const guess = read - ahead(read);
  return new Date(read - ahead(guess)).toISOString();
}

function wall(at) {
  const { year, month, day, hour, minute, second } = Object.fromEntries(PARTS.formatToParts(at).map((one) => [one.type, one.value]));
  return `${year.padStart(4, "0")}-${month}-${day}T${hour}:${minute}:${second}`;
}
