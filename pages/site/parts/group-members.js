// The members of a group: found, added, corrected, removed; codes by which they claim their membership, and consents.
import { ask, Refused } from "./api.js";
import { found, memberSearch, nameOf } from "./member-choice.js";
import { announce, button, choice, field, form, html, nothing, t } from "./page.js";
import { AUDIENCES } from "./person.js";
import { spoken } from "./spoken.js";
import { moment } from "./times.js";

const SHOWN = 50;
const CODES_A_REQUEST_MAX = 500;
let words = "";
let shown = SHOWN;
// "new", or the id of the member who is corrected or about to be removed.
let editing = null;
let removing = null;
// By member: what has been asked for here.
const codes = new Map();
const consents = new Map();

/** `read` reads the group anew. */
export function membersSection(group, read) {
  const all = found(group.members, words);
  return html`<section aria-labelledby="members">
    <h2 id="members">${t("groups.members", { n: group.members.length })}</h2>
    ${editing === "new" ? memberForm(group, {}, read) : html`<p>${button(t("groups.add"), async () => (editing = "new"))}</p>`}
    ${memberSearch("member-words", words, (value) => (words = value))}
    <ul class="cards">${all.slice(0, shown).map((one) => card(group, one, read))}</ul>
    ${all.length > shown ? button(t("groups.more"), async () => (shown += SHOWN)) : nothing}
    ${codesOf(group)}
  </section>`;
}

function card(group, one, read) {
  const named = (words) => ({ name: `${words}: ${one.name ?? ""} ${one.number ?? ""}` });
  return html`<li class="card" data-member=${one.member_id}>
    <h3>${nameOf(one)}</h3>
    <p class="quiet">${[one.email, t(`audience.${one.audience}`), one.is_minor && t("groups.is-minor"), one.claimed && t("groups.claimed")].filter(Boolean).join(" · ")}</p>
    ${codes.has(one.member_id) ? codeOf(codes.get(one.member_id)) : nothing}
    ${consents.has(one.member_id) ? consentOf(consents.get(one.member_id)) : nothing}
    ${editing === one.member_id ? memberForm(group, one, read) : nothing}
    <div class="row">
      ${button(t("groups.correct"), async () => (editing = one.member_id), named(t("groups.correct")))}
      ${one.claimed ? nothing : button(t("groups.code"), () => askForCodes(group, [one.member_id]), named(t("groups.code")))}
      ${one.is_minor ? html`${button(t("groups.consent-state"), () => readConsent(group, one), named(t("groups.consent-state")))}
        ${button(t("groups.consent-link"), () => askGuardian(group, one), named(t("groups.consent-link")))}` : nothing}
      ${removing === one.member_id
        ? html`<p>${t("groups.remove-sure")}</p> ${button(t("groups.remove-now"), () => remove(group, one, read), { kind: "danger" })} ${button(t("form.cancel"), async () => (removing = null))}`
        : button(t("groups.remove"), async () => (removing = one.member_id), named(t("groups.remove")))}
    </div>
  </li>`;
}

function memberForm(group, one, read) {
  return html`<div class="inset next" tabindex="-1">
    ${form(
      html`${field("name", t("person.name"), { value: one.name ?? "", required: true, maxlength: 100 })}
      ${field("department", t("groups.department"), { value: one.department ?? "", hint: t("groups.department-hint"), maxlength: 60 })}
      ${field("number", t("groups.number"), { value: one.number ?? "", hint: t("groups.number-hint"), maxlength: 30 })}
      ${field("email", t("groups.email"), { value: one.email ?? "", type: "email", maxlength: 254 })}
      ${choice("audience", t("groups.audience"), AUDIENCES.map((key) => [key, t(`audience.${key}`)]), { value: one.audience ?? "other" })}
      <p class="check"><input type="checkbox" id="is_minor" name="is_minor" ?checked=${one.is_minor ?? false}> <label for="is_minor">${t("groups.minor")}</label></p>`,
      t("data.save"),
      (fields) => save(group, one, fields, read),
      { names: { member_known: "number", member_email_known: "email", consent_for_name: "name" } },
    )}
    ${button(t("form.cancel"), async () => (editing = null))}
  </div>`;
}

async function save(group, one, { name, department, number, email, audience, is_minor }, read) {
  const body = { name: name.trim(), department: department.trim() || null, number: number.trim() || null, email: email.trim() || null, audience, is_minor: Boolean(is_minor) };
  if (one.member_id) await ask("registration", `${group.path}/members/${one.member_id}`, { method: "PUT", body });
  // The same member again changes nothing.
  else await ask("registration", `${group.path}/members`, { method: "POST", body, again: true });
  editing = null;
  announce(t("data.saved"));
  await read();
}

async function remove(group, one, read) {
  await ask("registration", `${group.path}/members/${one.member_id}`, { method: "DELETE", again: true });
  removing = null;
  announce(t("groups.removed"));
  await read();
}

function codesOf(group) {
  const open = group.members.filter((one) => !one.claimed);
  const listed = open.filter((one) => codes.get(one.member_id)?.claim_code);
  return html`<h3>${t("groups.codes")}</h3>
    <p>${t("groups.codes-explained", { id: group.group_id })}</p>
    <div class="row">
      ${button(t("groups.codes-all", { n: open.length }), () => askForCodes(group, open.map((one) => one.member_id)), { disabled: !open.length })}
      ${listed.length ? button(t("groups.print"), async () => print()) : nothing}
    </div>
    ${listed.length ? html`<div class="wide codes" tabindex="0" role="region" aria-label=${t("groups.codes")}><table>
      <thead><tr><th scope="col">${t("person.name")}</th><th scope="col">${t("groups.code")}</th></tr></thead>
      <tbody>${listed.map((one) => html`<tr><td>${nameOf(one)}</td><td><code>${codes.get(one.member_id).claim_code}</code></td></tr>`)}</tbody>
    </table></div>` : nothing}`;
}

function codeOf({ claim_code, expires_at }) {
  if (!claim_code) return html`<p>${t("groups.no-code")}</p>`;
  return html`<p>${t("groups.code")} <code>${claim_code}</code> <small>${t("groups.until", { at: moment(expires_at) })}</small></p>`;
}

async function askForCodes(group, ids) {
  for (let at = 0; at < ids.length; at += CODES_A_REQUEST_MAX) {
    const body = { member_ids: ids.slice(at, at + CODES_A_REQUEST_MAX) };
    const answer = await ask("registration", `${group.path}/claim-codes`, { method: "POST", body, again: true });
    for (const one of answer.codes) codes.set(one.member_id, one);
  }
  announce(t("groups.codes-there"));
}

function consentOf({ status, consent_code, expires_at, guardian, signed_at }) {
  if (consent_code)
    return html`<p>${t("groups.consent-send", { at: moment(expires_at) })}</p>
      <p><a href="/consent#${consent_code}">${location.origin}/consent#${consent_code}</a></p>`;
  return html`<p>${t(`consent-status.${status}`)} ${signed_at ? html`${spoken(guardian)} · ${moment(signed_at)}` : nothing}</p>`;
}

async function readConsent(group, one) {
  try {
    consents.set(one.member_id, await ask("registration", `${group.path}/members/${one.member_id}/consent`));
  } catch (error) {
    if (!(error instanceof Refused && error.code === "consent_unknown")) throw error;
    consents.set(one.member_id, { status: "none" });
  }
}

async function askGuardian(group, one) {
  consents.set(one.member_id, await ask("registration", `${group.path}/members/${one.member_id}/consents`, { method: "POST" }));
}
