// Who has registered for a session: the list, its files, registering somebody, and cancelling a registration.
import { randomName } from "./kept.js";
import { alsoWords, named } from "./language.js";
import { asksFirst, change } from "./organise-changing.js";
import { numberField } from "./organise-fields.js";
import { csv, open, opened, openingForm, who } from "./organise-names.js";
import { download, mayChange, organise, organiseAll } from "./organiser.js";
import { announce, button, choice, field, form, html, loading, nothing, t } from "./page.js";
import { AUDIENCES, contactLabel, contactOf, districtField } from "./person.js";
import { Refused } from "./api.js";
import { moment } from "./times.js";

await alsoWords("organise-session");

const STATUSES = ["held", "offered", "confirmed", "waitlisted", "checked_in", "cancelled"];
const LIVE = new Set(["held", "offered", "confirmed", "waitlisted"]);
const CODES = ["asked", "double_booking", "mistake", "other"];
const COLUMNS = ["registration_id", "participant_id", "status", "places", "number", "asked_at", "kind", "group_id", "district", "audience", "language"];
const OF_CONTACT = ["name", "email", "phone", "state"];
const PAGE = 50;
const FILE_ROWS_MAX = 20_000;
const FILE_SECONDS = 120;
let session = null;
let status = "";
let rows = null;
let after = null;
// The key of the next request for somebody, and what was answered.
let key = randomName();
let outcome = null;

export async function loadPeople(of) {
  session = of;
  await read(null, []);
}

/** The ids of those on the page. */
export function peopleShown() {
  return (rows ?? []).map((one) => one.participant_id);
}

async function read(from, before) {
  // A page may be short, or empty, and not be the last one.
  const found = [];
  do {
    const page = await organise("registration", `${path()}?${new URLSearchParams({ limit: PAGE, ...filter(), ...(from ? { after: from } : {}) })}`);
    found.push(...page.registrations);
    from = page.after;
  } while (from && found.length < PAGE);
  rows = [...before, ...found];
  after = from;
}

function path() {
  return `/sessions/${encodeURIComponent(session.session_id)}/registrations`;
}

function filter() {
  return status ? { status } : {};
}

/** `shown`: the ids of everybody on the page, whose names may be opened. */
export function people(reload, shown) {
  if (!rows) return loading();
  const all = STATUSES.map((one) => [one, named("status", one)]);
  return html`
    ${choice("status", t("people.status"), [["", t("programme.all")], ...all], { value: status, changed: async (value) => { status = value; await loadPeople(session); } })}
    <p role="status" class="quiet">${t(after ? "people.first" : "people.count", { n: rows.length })}</p>
    <ul class="cards">
      ${rows.map((one) => person(one, reload))}
    </ul>
    ${after ? button(t("people.more"), () => read(after, rows)) : nothing}
    <div class="row">
      ${button(t("people.csv"), () => file("csv"))} ${button(t("people.xlsx"), () => file("xlsx"))}
    </div>
    <p class="quiet">${t("people.file-explained")}</p>
    ${mayChange() ? html`${openingForm(shown, fileWithNames)} ${onBehalf(reload)}` : nothing}
  `;
}

function person(one, reload) {
  const known = [one.group_id, one.district, one.audience && named("audience", one.audience)].filter(Boolean).join(" · ");
  return html`<li class="card" data-registration=${one.registration_id}>
    <p><strong>${t("people.number", { n: one.number })} ${named("status", one.status)}</strong> · ${t("booking.places", { n: one.places })} · ${moment(one.asked_at)}</p>
    <p>${who(one.participant_id)} ${one.kind === "group" ? t("people.group") : nothing} ${known}</p>
    ${mayChange() && LIVE.has(one.status) ? cancelling(one, reload) : nothing}
  </li>`;
}

function cancelling(one, reload) {
  const id = encodeURIComponent(one.registration_id);
  return asksFirst(`cancel-${id}`, t("people.cancel"), {
    about: () => html`
      <p>${t("people.cancel-sure")}</p>
      ${choice("code", t("cancel.reason"), CODES.map((code) => [code, t(`people-reason.${code}`)]))}
      ${field("text", t("people.cancel-text"), { maxlength: 200, hint: t("people.cancel-hint") })}
    `,
    go: t("people.cancel-now"),
    name: `${t("people.cancel")}: ${t("people.number", { n: one.number })}`,
    work: async ({ code, text }) => {
      await change("registration", `/registrations/${id}/cancel`, { method: "POST", body: { code, text: text.trim() || null } });
      await reload();
      announce(t("people.cancelled"));
    },
  });
}

async function file(format) {
  const asked = new URLSearchParams({ format, ...filter() });
  const blob = await organise("registration", `${path()}/export?${asked}`, { as: "blob", seconds: FILE_SECONDS });
  download(blob, `registrations-${session.session_id}.${format}`);
}

async function fileWithNames(reason) {
  const asked = new URLSearchParams(filter());
  const all = await organiseAll("registration", `${path()}?${asked}`, "registrations", FILE_ROWS_MAX);
  await open(all.map((one) => one.participant_id), reason);
  const row = (one) => [...COLUMNS.map((name) => one[name]), ...OF_CONTACT.map((name) => opened(one.participant_id)?.[name])];
  download(csv([[...COLUMNS, ...OF_CONTACT], ...all.map(row)]), `registrations-${session.session_id}-names.csv`);
  announce(t("opening.downloaded", { n: all.length }));
}

function onBehalf(reload) {
  if (session.state !== "planned" || session.draft) return nothing;
  return html`<details>
    <summary>${t("behalf.title")}</summary>
    <p>${t("behalf.explained")}</p>
    ${outcome ? registered() : behalfForm(reload)}
  </details>`;
}

function behalfForm(reload) {
  return form(
    html`
      ${field("name", t("person.name"), { maxlength: 100, hint: t("behalf.name-hint") })}
      ${field("contact", contactLabel(), { maxlength: 254, hint: t("behalf.contact-hint") })}
      ${choice("audience", t("behalf.audience"), AUDIENCES.map((one) => [one, t(`audience.${one}`)]))}
      ${districtField({ value: session.district })}
      ${field("group_id", t("behalf.group"), { maxlength: 64 })}
      ${field("participant_id", t("behalf.known"), { maxlength: 64, hint: t("behalf.known-hint") })}
      ${numberField("places", t("booking.how-many"), { value: 1, required: true })}
    `,
    t("behalf.go"),
    (fields) => register(fields, reload),
    { names: { email: "contact", phone: "contact" } },
  );
}

/** The form for the next person is a new one, without what was written about this one. */
function registered() {
  return html`<div class="inset next" tabindex="-1" data-status=${outcome.status}>
    <p><strong>${t(`outcome.${outcome.status}`)}</strong> ${outcome.position ? t("outcome.position", { n: outcome.position }) : nothing}</p>
    ${outcome.ticket_code ? html`<p>${t("behalf.ticket")} <code class="score">${outcome.ticket_code}</code></p>` : nothing}
    ${button(t("behalf.another"), async () => (outcome = null))}
  </div>`;
}

async function register({ name, contact, audience, district, group_id, participant_id, places }, reload) {
  const person = { name: name.trim(), audience, district: district.trim() || null, group_id: group_id.trim() || null, ...(contact.trim() ? contactOf(contact) : {}) };
  const whom = participant_id.trim() ? { participant_id: participant_id.trim() } : { person };
  try {
    outcome = await change("registration", path(), { method: "POST", body: { places: Number(places), ...whom }, headers: { "idempotency-key": key } });
  } catch (error) {
    // Certainly nobody was registered: what is sent next is another request. Otherwise it is this one again.
    if (error instanceof Refused && error.status < 500 && error.status !== 429) key = randomName();
    throw error;
  }
  key = randomName();
  await reload();
  announce(t(`outcome.${outcome.status}`));
}
