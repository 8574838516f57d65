// Ids that organisers give: they stand in addresses, and stay.
import { randomName } from "./kept.js";
import { field, t } from "./page.js";

const ID = /^[a-z0-9][a-z0-9-]{0,63}$/;

export function idField(name, value) {
  return field(name, t("field.id"), { value, required: true, maxlength: 64, autocomplete: "off", hint: t("field.id-hint") });
}

/** An id that nothing has yet. */
export function newId(beginning) {
  return `${beginning}-${randomName().slice(0, 6)}`;
}

export function isId(text) {
  return ID.test(text);
}
