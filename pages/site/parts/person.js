// Who somebody is: the fields of a newcomer's form, and of one's own data.
import { choice, field, html, t } from "./page.js";
import { language } from "./language.js";

export const AUDIENCES = ["other", "youth", "farmers", "workers", "elderly", "officials"];

export function contactField({ value = "", required = true } = {}) {
  return field("contact", t("person.contact"), { value, required, autocomplete: "email", hint: t("person.contact-hint"), maxlength: 254 });
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
    ${field("district", t("person.district"), { value: person.district ?? "", autocomplete: "address-level3", maxlength: 60 })}
  `;
}

export function personOf({ name, contact, audience, district }) {
  return { name: name.trim(), ...contactOf(contact), audience, district: district.trim() || null, language };
}
