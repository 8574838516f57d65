// A guardian's consent. The code of the link stands behind the #: browsers send that to no server, so no log has it.
import { ask } from "../parts/api.js";
import { alsoWords, language } from "../parts/language.js";
import { announce, attempt, button, field, form, html, loading, nothing, show, t, update } from "../parts/page.js";
import { spoken } from "../parts/spoken.js";

await alsoWords("groups");

// Whoever has the link may agree: no sign-in is asked for or used.
const OPEN = { method: "POST", token: null, again: true };
const consent_code = location.hash.slice(1);
let asked = null;
let isWrong = !/^[\w-]{32}$/.test(consent_code);
let revoking = false;

show(() => t("consent.title"), body);
addEventListener("hashchange", () => location.hash.slice(1) !== "main" && location.reload());
if (!isWrong && !(await attempt(read))) {
  isWrong = true;
  update();
}

async function read() {
  asked = await ask("registration", "/consents/view", { ...OPEN, body: { consent_code } });
}

function body() {
  if (isWrong) return html`<p>${t("consent.incomplete")}</p>`;
  if (!asked) return loading();
  return html`<section class="card" data-status=${asked.status}>
    <dl>
      <dt>${t("consent.by")}</dt><dd>${spoken(asked.group_name)}</dd>
      <dt>${t("consent.for")}</dt><dd>${spoken(asked.minor)}</dd>
    </dl>
    ${asked.status === "revoked" ? html`<p>${t("consent.revoked")}</p>` : html`<p>${spoken(asked.texts[language])}</p>`}
    ${asked.status === "asked" ? form(
      field("guardian", t("consent.guardian"), { required: true, autocomplete: "name", maxlength: 100 }),
      t("consent.agree"),
      sign,
    ) : nothing}
    ${asked.status === "given" ? given() : nothing}
  </section>`;
}

function given() {
  if (!revoking)
    return html`<p><strong class="good">${t("consent.given")}</strong></p><p>${t("consent.revoke-explained")}</p>
      <p>${button(t("consent.revoke"), async () => (revoking = true), { kind: "danger" })}</p>`;
  return html`<div class="next" tabindex="-1"><p><strong>${t("consent.revoke-sure")}</strong></p>
    <div class="row">${button(t("consent.revoke-now"), revoke, { kind: "danger" })} ${button(t("form.cancel"), async () => (revoking = false))}</div></div>`;
}

async function sign({ guardian }) {
  await ask("registration", "/consents/signature", { ...OPEN, body: { consent_code, guardian: guardian.trim(), text_version: asked.text_version } });
  announce(t("consent.given"));
  await read();
}

async function revoke() {
  await ask("registration", "/consents/revocation", { ...OPEN, body: { consent_code } });
  revoking = false;
  announce(t("consent.revoked"));
  await read();
}
