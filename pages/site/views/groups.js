// Schools, units and service teams: those that the reader manages or is a member of, and how to become either.
import { account, signedIn } from "../parts/account.js";
import { all, ask } from "../parts/api.js";
import { alsoWords, named } from "../parts/language.js";
import { ownGroups } from "../parts/own-groups.js";
import { announce, attempt, button, choice, field, form, html, nothing, show, signInFirst, t } from "../parts/page.js";
import { districtField } from "../parts/person.js";
import { spoken } from "../parts/spoken.js";
import { moment } from "../parts/times.js";

await alsoWords("groups");

const KINDS = ["school", "unit", "service_team"];
let managed = [];
let memberships = [];
let attendances = [];
let groups = [];
let leaving = null;

show(() => t("menu.groups"), body);
await attempt(read);

async function read() {
  groups = await all("registration", "/groups", "groups");
  if (!account()) return;
  [managed, { memberships }, attendances] = await Promise.all([
    ownGroups(),
    ask("registration", "/me/memberships"),
    all("registration", "/me/attendances", "attendances", 200),
  ]);
}

function body() {
  return html`
    ${account() ? own() : nothing}
    <section aria-labelledby="claim">
      <h2 id="claim">${t("groups.claim")}</h2>
      <p>${t("groups.claim-explained")}</p>
      ${form(
        html`${choice("group_id", t("groups.which"), groups.map((one) => [one.group_id, one.name]))}
        ${field("claim_code", t("groups.code"), { required: true, autocomplete: "off", maxlength: 40 })}`,
        t("groups.claim-send"),
        claim,
        { kind: "plain", names: { claim_code_wrong: "claim_code", claims_too_many: "claim_code" } },
      )}
    </section>
    <section aria-labelledby="invitation">
      <h2 id="invitation">${t("groups.invitation")}</h2>
      <p>${t("groups.invitation-explained")}</p>
      ${account() ? form(
        field("invitation_code", t("groups.invitation-code"), { required: true, autocomplete: "off", maxlength: 60 }),
        t("groups.accept"),
        accept,
        { kind: "plain", names: { invitation_unknown: "invitation_code" } },
      ) : signInFirst()}
    </section>
    <section aria-labelledby="apply">
      <h2 id="apply">${t("groups.apply")}</h2>
      <p>${t("groups.apply-explained")}</p>
      ${account() ? form(
        html`${field("name", t("groups.name"), { required: true, autocomplete: "organization", maxlength: 100 })}
        ${choice("kind", t("groups.kind"), KINDS.map((one) => [one, t(`group-kind.${one}`)]))}
        ${districtField({ required: true })}
        ${field("contact_name", t("groups.contact"), { autocomplete: "name", hint: t("groups.contact-hint"), maxlength: 100 })}
        ${field("email", t("groups.email"), { type: "email", autocomplete: "email", maxlength: 254 })}`,
        t("groups.apply-send"),
        apply,
        { kind: "plain", names: { "contact.name": "contact_name" } },
      ) : signInFirst()}
    </section>
  `;
}

function own() {
  return html`
    ${managed.length ? html`<h2>${t("groups.managed")}</h2>
      <ul class="cards">${managed.map((one) => html`<li class="card"><h3><a href="/group?id=${encodeURIComponent(one.group_id)}">${spoken(one.name)}</a></h3>
        <p class="quiet">${named("group-kind", one.kind)} · ${spoken(one.district)}</p></li>`)}</ul>` : nothing}
    ${memberships.length ? html`<h2>${t("groups.memberships")}</h2>
      <ul class="cards">${memberships.map(membership)}</ul>` : nothing}
    ${attendances.length ? html`<h2>${t("groups.attendances")}</h2>
      <ul class="cards">${attendances.map((one) => html`<li class="card"><h3>${spoken(one.activity_title)}</h3>
        <p><span class="time">${moment(one.starts_at)}</span> · ${spoken(one.venue)}</p><p>${named("status", one.status)}</p></li>`)}</ul>` : nothing}
  `;
}

function membership(one) {
  return html`<li class="card">
    <h3>${spoken(one.group_name)}</h3>
    <div class="row">${leaving === one.member_id
      ? html`<p>${t("groups.leave-sure")}</p> ${button(t("groups.leave-now"), () => leave(one), { kind: "danger" })} ${button(t("form.cancel"), async () => (leaving = null))}`
      : button(t("groups.leave"), async () => (leaving = one.member_id), { name: `${t("groups.leave")}: ${one.group_name}` })}</div>
  </li>`;
}

async function claim({ group_id, claim_code }) {
  const answer = await ask("registration", "/memberships", { method: "POST", body: { group_id, claim_code: claim_code.trim() } });
  signedIn(answer);
  announce(t("groups.claimed-now", { group: answer.group_name }));
  await read();
}

async function accept({ invitation_code }) {
  const { group_id } = await ask("registration", "/me/groups", { method: "POST", body: { invitation_code: invitation_code.trim() } });
  location.assign(`/group?id=${encodeURIComponent(group_id)}`);
}

async function apply({ name, kind, district, contact_name, email }) {
  const contact = contact_name.trim() ? { name: contact_name.trim(), email: email.trim() || null } : null;
  await ask("registration", "/groups", { method: "POST", body: { name: name.trim(), kind, district: district.trim(), contact } });
  announce(t("groups.applied"));
}

async function leave(one) {
  await ask("registration", `/me/memberships/${one.member_id}`, { method: "DELETE", again: true });
  leaving = null;
  announce(t("groups.has-left"));
  await read();
}
