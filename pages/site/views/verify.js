// Check an award by its code: from a certificate, or from the address behind its QR code.
import { ask } from "../parts/api.js";
import { attempt, field, form, html, nothing, show, t } from "../parts/page.js";
import { named } from "../parts/language.js";
import { spoken } from "../parts/spoken.js";
import { dated } from "../parts/times.js";

let code = new URLSearchParams(location.search).get("code") ?? "";
// Of the award when the paper with the code was made.
let version = new URLSearchParams(location.search).get("version");
let award = null;
let isOld = false;

show(() => t("menu.verify"), body);
if (code) await attempt(() => check({ code }));

function body() {
  return html`
    <p>${t("verify.explained")}</p>
    ${form(field("code", t("verify.code"), { value: code, required: true, hint: t("verify.hint"), maxlength: 40 }), t("verify.check"), check, { names: { award_code_malformed: "code", award_unknown: "code" } })}
    ${award ? found() : nothing}
  `;
}

function found() {
  return html`<section class="card" role="status" data-status=${award.status}>
    <h2>${t(`verify.${award.status}`)}</h2>
    ${isOld ? html`<p class="trouble">${t("verify.old")}</p>` : nothing}
    <dl>
      <dt>${t("verify.award")}</dt><dd>${spoken(award.scheme_title)}${award.tier ? html` · ${spoken(award.tier)}` : nothing} · ${named("award-kind", award.kind)}</dd>
      ${award.name_shown ? html`<dt>${t("verify.name")}</dt><dd>${spoken(award.name_shown)}</dd>` : nothing}
      <dt>${t("verify.issued")}</dt><dd>${dated(award.issued_at)}</dd>
      ${award.revoked_at ? html`<dt>${t("verify.revoked-at")}</dt><dd>${dated(award.revoked_at)} ${spoken(award.reason)}</dd>` : nothing}
      <dt>${t("verify.code")}</dt><dd><code>${award.award_code}</code></dd>
    </dl>
    ${award.superseded_by_code ? html`<p><a href="/verify?code=${encodeURIComponent(award.superseded_by_code)}">${t("verify.newer")}</a></p>` : nothing}
  </section>`;
}

async function check(fields) {
  award = null;
  if (fields.code.trim() !== code) version = null;
  code = fields.code.trim();
  const found = await ask("awards", `/awards/${encodeURIComponent(code)}`, { token: null });
  const ofPaper = version ? `version=${encodeURIComponent(version)}` : "";
  isOld = Boolean(ofPaper) && (await ask("awards", `/verify/${encodeURIComponent(code)}?${ofPaper}`, { token: null })).verdict === "superseded";
  award = found;
  history.replaceState(null, "", `/verify?code=${encodeURIComponent(award.award_code)}${ofPaper && `&${ofPaper}`}`);
}
