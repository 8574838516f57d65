// Who somebody is: the fields of a newcomer's form, and of one's own data.
import { ask } from "./api.js";
import { choice, field, html, proposals, t, update } from "./page.js";
import { language } from "./language.js";
import { WEEK } from "./week.js";

export const AUDIENCES = ["other", "youth", "farmers", "workers", "elderly", "officials"];

// Whether mobile numbers are taken as well. As long as nobody knows, one may be tried.
let takesPhones = true;
let asking = null;

export function contactField({ value = "", required = true } = {}) {
  return field("contact", contactLabel(), { value, required, autocomplete: "email", hint: t("person.contact-hint"), maxlength: 254 });
}

export function contactLabel() {
  asking ??= ask("registration", "/contacts", { token: null }).then(learn, () => {});
  return t(takesPhones ? "person.contact" : "person.email");
}

function learn({ phone_regions }) {
  takesPhones = phone_regions.length > 0;
  update();
}

/** For `form`: what refusals of a contact are about. */
export const contactNames = Object.fromEntries(
  ["email", "phone", "contact_known", "contact_missing", "phone_invalid", "phone_region", "phone_unsupported", "sms_too_many"].map((one) => [one, "contact"]),
);

/** {email} or {phone}, by what was written. */
export function contactOf(text) {
  const contact = text.trim();
  return contact.includes("@") ? { email: contact } : { phone: contact };
}

export function personFields(person = {}) {
  return html`
    ${field("name", t("person.name"), { value: person.name ?? "", required: true, autocomplete: "name", maxlength: 100 })}
    ${contactField({ value: person.email ?? person.phone ?? "" })}
    ${choice("audience", t("person.audience"), AUDIENCES.map((one) => [one, t(`audience.${one}`)]), { value: person.audience ?? "other" })}
    ${districtField({ value: person.district ?? "", autocomplete: "address-level3" })}
  `;
}

/** `autocomplete`: "address-level3" where it is the reader's own district. */
export function districtField({ value = "", required = false, autocomplete = "off" } = {}) {
  return html`${field("district", t("person.district"), { value, required, autocomplete, list: "districts", maxlength: 60 })}
    ${proposals("districts", WEEK.districts)}`;
}

export function personOf({ name, contact, audience, district }) {
  return { name: name.trim(), ...contactOf(contact), audience, district: district.trim() || null, language };
}
