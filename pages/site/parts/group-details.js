// What a manager changes of the own group: its name, district, language, remarks, and whom organisers write to.
import { ask } from "./api.js";
import { announce, area, button, choice, field, form, html, t } from "./page.js";
import { districtField } from "./person.js";

// {content, tag} while the form is open.
let opened = null;

/** `read` reads the group anew. */
export function detailsSection(group, read) {
  const path = `${group.path}/details`;
  return html`<section aria-labelledby="details">
    <h2 id="details">${t("groups.details")}</h2>
    ${opened
      ? html`<div class="inset next" tabindex="-1">${detailsForm(path, read)} ${button(t("form.cancel"), async () => (opened = null))}</div>`
      : html`<p>${button(t("groups.details-change"), async () => (opened = await ask("registration", path, { as: "tagged" })))}</p>`}
  </section>`;
}

function detailsForm(path, read) {
  const { content } = opened;
  return form(
    html`${field("name", t("groups.details-name"), { value: content.name, required: true, maxlength: 200 })}
    ${districtField({ value: content.district, required: true })}
    ${choice("language", t("data.language"), [["zh-CN", "中文"], ["en", "English"]], { value: content.language })}
    ${area("remarks", t("groups.details-remarks"), { value: content.remarks, maxlength: 1000 })}
    ${field("contact-name", t("groups.details-contact"), { maxlength: 100, hint: t("groups.details-contact-hint") })}
    ${field("contact-email", t("groups.email"), { type: "email", maxlength: 254 })}`,
    t("data.save"),
    (said) => save(path, read, said),
    { names: { "contact.name": "contact-name", "contact.email": "contact-email" } },
  );
}

async function save(path, read, said) {
  const name = said["contact-name"].trim();
  const email = said["contact-email"].trim();
  const { district, language, remarks } = said;
  const body = { name: said.name.trim(), district: district.trim(), language, remarks };
  // Whom they write to is kept where nobody can read it: without new words it stays.
  if (name || email) body.contact = { name, email: email || null };
  // After a change that was made, but not answered, a repeat would be refused: the version is another one.
  await ask("registration", path, { method: "PUT", body, headers: { "if-match": opened.tag }, again: false });
  opened = null;
  await read();
  announce(t("data.saved"));
}
