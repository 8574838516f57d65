// Times as the fields of forms have them: those of the week's own clock, wherever the organiser is.
import { atWall, wall } from "./week.js";

/** A time as the value of a field, such as 2027-05-20T09:00; empty for none. */
export function toField(time) {
  return time ? wall(time).slice(0, 16) : "";
}

/** The time that a field's value means; null for an empty field. */
export function ofField(text) {
  const at = atWall(text);
  return Number.isNaN(at) ? null : new Date(at).toISOString();
}
