// Schools, units and service teams for organisers: who applies, which there are, and who manages them.
import { alsoWords, named } from "../parts/language.js";
import { randomName } from "../parts/kept.js";
import { asksFirst, change, conflicted } from "../parts/organise-changing.js";
import { tick } from "../parts/organise-fields.js";
import { mayChange, organise, organiseAll, showToOrganisers } from "../parts/organiser.js";
import { announce, area, button, choice, field, form, html, loading, nothing, t, update } from "../parts/page.js";
import { moment } from "../parts/times.js";

await alsoWords("organise-groups");

const REMARKS_CHARS_MAX = 4000;
const DECISIONS = ["applied", "approved", "refused"];
const KINDS = ["school", "unit", "service_team", "district"];
const LANGUAGES = [["zh-CN", "中文"], ["en", "English"]];
let status = "applied";
let applications = null;
let groups = null;
let words = "";
// The group that is open, with its version and managers; tag null: it is new.
let group = null;
let managers = [];
// The code of an invitation: it is shown only once.
let invitation = null;

await showToOrganisers(() => t("organise.groups"), body, load);

async function load() {
  groups = await organiseAll("registration", "/groups", "groups", 5000);
  if (mayChange()) applications = await organiseAll("registration", `/group-applications?status=${status}`, "applications");
  if (!group?.tag) return;
  // The form begins anew: what was typed into it is not the present state.
  const id = group.group_id;
  group = null;
  update();
  await openGroup(id);
}

function body() {
  if (!groups) return loading();
  return html`
    ${conflicted(load)}
    ${mayChange() ? html`<h2>${t("applications.title")}</h2>${applicationsOf()}` : nothing}
    <h2>${t("groups.title")}</h2>
    ${mayChange() && group?.tag === null ? groupForm() : nothing}
    ${mayChange() && !group ? html`<p>${button(t("groups.new"), async () => (group = newGroup()), { kind: "main" })}</p>` : nothing}
    ${groupsOf()}
  `;
}

function applicationsOf() {
  const pick = async (value) => {
    status = value;
    await load();
  };
  return html`
    ${choice("decision", t("applications.status"), DECISIONS.map((one) => [one, t(`application.${one}`)]), { value: status, changed: pick })}
    ${applications.length ? html`<ul class="cards">${applications.map(application)}</ul>` : html`<p>${t("applications.none")}</p>`}
  `;
}

function application(one) {
  return html`<li class="card" data-application=${one.application_id}>
    <h3>${one.name}</h3>
    <p>${named("group-kind", one.kind)} · ${one.district} · ${moment(one.changed_at ?? one.asked_at)}</p>
    <p class="quiet">${t("applications.by")} <code>${one.participant_id}</code></p>
    ${one.group_id ? html`<p>${t("groups.id")} <code>${one.group_id}</code></p>` : nothing}
    ${one.reason ? html`<p>${one.reason}</p>` : nothing}
    ${one.status === "applied" ? html`<div class="row">${approving(one)} ${refusing(one)}</div>` : nothing}
  </li>`;
}

function approving(one) {
  return asksFirst(`approve-${one.application_id}`, t("applications.approve"), {
    about: () => html`
      <p>${t("applications.approve-sure")}</p>
      ${field("group_id", t("groups.id"), { value: proposedId(one), required: true, maxlength: 64, hint: t("groups.id-hint") })}
      ${tick("existing", t("applications.existing"))}
    `,
    kind: "main",
    name: `${t("applications.approve")}: ${one.name}`,
    work: async ({ group_id, existing }) => {
      await decide(one, "approval", { version: one.version, group_id: group_id.trim(), existing: existing === "on" });
      announce(t("applications.approved"));
    },
  });
}

function refusing(one) {
  return asksFirst(`refuse-${one.application_id}`, t("applications.refuse"), {
    about: () => html`<p>${t("applications.refuse-sure")}</p>${field("reason", t("applications.reason"), { required: true, maxlength: 200 })}`,
    name: `${t("applications.refuse")}: ${one.name}`,
    work: async ({ reason }) => {
      await decide(one, "refusal", { version: one.version, reason: reason.trim() });
      announce(t("applications.refused"));
    },
  });
}

async function decide(one, way, body) {
  await change("registration", `/group-applications/${encodeURIComponent(one.application_id)}/${way}`, { method: "POST", body });
  await load();
}

/** An id that nobody has: the kind, and the beginning of what is there already. */
function proposedId(one) {
  return `${one.kind.replaceAll("_", "-")}-${one.application_id.replace(/[^a-z0-9]/g, "").slice(0, 8)}`;
}

function groupsOf() {
  const wanted = words.toLowerCase().split(/\s+/);
  const shown = groups.filter((one) => wanted.every((word) => `${one.name} ${one.district} ${one.group_id} ${named("group-kind", one.kind)}`.toLowerCase().includes(word)));
  const typed = (event) => {
    words = event.target.value;
    update();
  };
  return html`
    <p class="field"><label for="words">${t("groups.search")}</label><input id="words" type="search" .value=${words} @input=${typed}></p>
    <p role="status" class="quiet">${t("groups.count", { n: shown.length })}</p>
    <ul class="cards">
      ${shown.map(card)}
    </ul>
  `;
}

function card(one) {
  const mine = group?.tag && group.group_id === one.group_id;
  return html`<li class="card" data-group=${one.group_id}>
    <h3>${one.name}</h3>
    <p>${named("group-kind", one.kind)} · ${one.district} · <code>${one.group_id}</code></p>
    ${mine ? html`${managing(one)} ${groupForm()}` : mayChange() ? button(t("groups.open"), () => openGroup(one.group_id), { name: `${t("groups.open")}: ${one.name}` }) : nothing}
  </li>`;
}

function path(rest = "") {
  return `/groups/${encodeURIComponent(group.group_id)}${rest}`;
}

async function openGroup(id) {
  const [{ tag, content }, found] = await Promise.all([
    organise("registration", `/groups/${encodeURIComponent(id)}`, { as: "tagged" }),
    organise("registration", `/groups/${encodeURIComponent(id)}/managers`),
  ]);
  if (group?.group_id !== id) invitation = null;
  group = { ...content, tag };
  managers = found.managers;
}

function managing(one) {
  return html`<div class="inset next" tabindex="-1">
    <h4>${t("managers.title")}</h4>
    ${managers.length ? html`<ul>${managers.map((manager) => html`<li><code>${manager.participant_id}</code> ${moment(manager.since)} ${endingManager(manager)}</li>`)}</ul>` : html`<p>${t("managers.none")}</p>`}
    ${invitation ? html`<p role="status"><strong>${t("managers.code")}</strong> <code class="score">${invitation.invitation_code}</code><br>${t("managers.code-explained", { until: moment(invitation.expires_at) })}</p>` : nothing}
    <div class="row">
      ${button(t("managers.invite"), invite, { name: `${t("managers.invite")}: ${one.name}` })}
      ${asksFirst("end-invitations", t("managers.end-invitations"), { about: () => html`<p>${t("managers.end-invitations-sure")}</p>`, work: endInvitations })}
    </div>
  </div>`;
}

async function invite() {
  // Each request makes another code: it is not repeated by itself.
  invitation = await change("registration", path("/managers"), { method: "POST", again: false });
}

async function endInvitations() {
  await change("registration", path("/invitations"), { method: "DELETE" });
  invitation = null;
  announce(t("managers.invitations-ended"));
}

function endingManager(one) {
  return asksFirst(`manager-${one.participant_id}`, t("managers.end"), {
    about: () => html`<p>${t("managers.end-sure")}</p>`,
    name: `${t("managers.end")}: ${one.participant_id}`,
    work: async () => {
      await change("registration", path(`/managers/${encodeURIComponent(one.participant_id)}`), { method: "DELETE" });
      await openGroup(group.group_id);
      announce(t("managers.ended"));
    },
  });
}

function newGroup() {
  return { group_id: `group-${randomName().slice(0, 8)}`, name: "", kind: KINDS[0], district: "", language: "zh-CN", remarks: "", tag: null };
}

function groupForm() {
  const isNew = group.tag === null;
  const kinds = [...new Set([...KINDS, group.kind])].map((one) => [one, named("group-kind", one)]);
  return html`<div class="inset ${isNew ? "next" : ""}" tabindex="-1">
    ${isNew ? html`<h3>${t("groups.new")}</h3>` : html`<h4>${t("groups.change")}</h4>`}
    ${form(
      html`
        ${isNew ? field("id", t("groups.id"), { value: group.group_id, required: true, maxlength: 64, hint: t("groups.id-hint") }) : nothing}
        ${field("name", t("groups.name"), { value: group.name, required: true, maxlength: 200 })}
        ${choice("kind", t("groups.kind"), kinds, { value: group.kind })}
        ${field("district", t("person.district"), { value: group.district, required: true, maxlength: 60 })}
        ${choice("language", t("data.language"), LANGUAGES, { value: group.language })}
        ${area("remarks", t("groups.remarks"), { value: group.remarks, maxlength: REMARKS_CHARS_MAX })}
        ${field("contact", t("groups.contact"), { maxlength: 100, hint: t("groups.contact-hint") })}
        ${field("email", t("groups.email"), { type: "email", maxlength: 254 })}
      `,
      t("groups.save"),
      put,
    )}
    ${button(t("form.cancel"), async () => (group = null))}
  </div>`;
}

async function put({ id, name, kind, district, language, remarks, contact, email }) {
  const isNew = group.tag === null;
  const group_id = isNew ? id.trim() : group.group_id;
  // Without a contact the one that is kept stays: it cannot be read back.
  const person = contact.trim() ? { contact: { name: contact.trim(), email: email.trim() || null } } : {};
  const body = { name: name.trim(), kind, district: district.trim(), language, remarks, ...person };
  await change("registration", `/groups/${encodeURIComponent(group_id)}`, { method: "PUT", body, tag: group.tag, isNew });
  group = null;
  await load();
  announce(t("groups.saved"));
}
