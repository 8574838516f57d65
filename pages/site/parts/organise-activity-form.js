// The form of an activity with all its sessions. What is typed goes into the model at once, so that sessions can be
// added and taken out without losing anything.
import { randomName } from "./kept.js";
import { alsoWords, named } from "./language.js";
import { numberField, showsWrongFields, tick, timeField } from "./organise-fields.js";
import { ofField } from "./organise-times.js";
import { area, button, choice, field, form, html, nothing, proposals, t, update } from "./page.js";
import { span } from "./times.js";
import { date, WEEK } from "./week.js";

await alsoWords("organise-programme");

const KINDS = ["lecture", "outreach", "exhibition", "open_day", "course", "observation", "service", "briefing", "contest", "selection", "ceremony", "recognition"];
const ADMITS = ["anyone", "verified", "roster"];
const POLICIES = ["strict", "fill"];
const OVERLAPS = ["warn", "refuse", "allow"];
const DAY_MS = 24 * 3600 * 1000;
const USUAL_MS = 2 * 3600 * 1000;
const SESSIONS_MAX = 60;
const TEXT_CHARS_MAX = 4000;

/** An activity as it begins: tomorrow morning, for fifty people. */
export function newActivity() {
  const morning = ofField(`${date(Date.now() + DAY_MS)}T09:00`);
  const session = { starts_at: morning, ends_at: later(morning, USUAL_MS), venue: "", district: "", capacity: 50, waiting_max: 10, ...USUAL };
  return { activity_id: "", title: "", summary: "", organiser: "", kind: KINDS[0], remarks: "", draft: true, sessions: [{ ...session, session_id: "", isNew: true }] };
}

const USUAL = {
  opens_at: null, closes_at: null, admits: "anyone", places_per_person_max: null, waiting_policy: "strict", offer_minutes: null,
  overlap: "warn", minors_need_consent: false, draft: false, reminders: true, feedback: null,
};

/** The activity as the service takes it, with ids for what is new. An id never changes again. */
export function bodyOf(model) {
  model.activity_id ||= `${model.kind.replaceAll("_", "-")}-${randomName().slice(0, 8)}`;
  for (const one of model.sessions)
    one.session_id ||= `${model.activity_id.slice(0, 45)}-${date(one.starts_at).slice(5).replace("-", "")}-${randomName().slice(0, 6)}`;
  const sessions = model.sessions.filter((one) => !one.removed).map(({ isNew, removed, ...one }) => one);
  return { ...model, sessions };
}

/** Fields are named by their places in the body. `kept`: the activity as it was read, null for a new one. `known`: other activities, whose words are proposed. */
export function activityForm(model, kept, known, save) {
  const sessions = known.flatMap((one) => one.sessions);
  // Drawn again when a field is left: not while a time is typed, which is another time after each digit.
  return html`<div @input=${(event) => typed(model, event.target)} @focusout=${update} @invalid=${showsWrongFields}>
    ${proposals("organisers", known.map((one) => one.organiser))} ${proposals("venues", sessions.map((one) => one.venue))}
    ${proposals("districts", [...WEEK.districts, ...sessions.map((one) => one.district)])}
    ${form(html`${ofActivity(model, kept)} ${model.sessions.map((one, n) => ofSession(model, kept, one, n))} ${addButton(model)} ${moves(model, kept)}`, t("activity.save"), save)}
  </div>`;
}

function ofActivity(model, kept) {
  return html`
    ${field("title", t("activity.name"), { value: model.title, required: true, maxlength: 200 })}
    ${area("summary", t("activity.summary"), { value: model.summary, maxlength: TEXT_CHARS_MAX })}
    ${field("organiser", t("activity.organiser"), { value: model.organiser, required: true, maxlength: 200, list: "organisers" })}
    ${choice("kind", t("programme.kind"), [...new Set([...KINDS, model.kind])].map((one) => [one, named("kind", one)]), { value: model.kind })}
    ${area("remarks", t("activity.remarks"), { value: model.remarks, maxlength: TEXT_CHARS_MAX })}
    ${kept && !kept.draft ? nothing : tick("draft", t("activity.draft"), { checked: model.draft })}
    <h3>${t("activity.sessions")}</h3>
  `;
}

function ofSession(model, kept, session, n) {
  if (session.removed)
    return html`<p class="card"><s>${span(session.starts_at, session.ends_at)} · ${session.venue}</s> ${t("activity.removed")}
      ${button(t("activity.undo"), async () => (session.removed = false), { name: `${t("activity.undo")}: ${n + 1}` })}</p>`;
  const was = kept?.sessions.find((one) => one.session_id === session.session_id);
  if (was?.state === "cancelled") return html`<p class="card quiet">${span(session.starts_at, session.ends_at)} · ${session.venue} · ${t("session.cancelled")}</p>`;
  const when = session.starts_at && session.ends_at ? span(session.starts_at, session.ends_at) : t("activity.new-session");
  return html`<details class="card" data-n=${n} ?open=${session.isNew ?? false}>
    <summary><strong>${when}</strong> ${session.venue} ${session.draft ? t("programme.draft") : nothing}</summary>
    <div role="group" aria-label=${when}>
    ${timeField(`sessions.${n}.starts_at`, t("activity.starts"), { value: session.starts_at, required: true })}
    ${timeField(`sessions.${n}.ends_at`, t("activity.ends"), { value: session.ends_at, required: true })}
    ${field(`sessions.${n}.venue`, t("activity.venue"), { value: session.venue, required: true, maxlength: 200, list: "venues" })}
    ${field(`sessions.${n}.district`, t("activity.district"), { value: session.district, required: true, maxlength: 200, list: "districts" })}
    ${numberField(`sessions.${n}.capacity`, t("activity.capacity"), { value: session.capacity, required: true })}
    ${numberField(`sessions.${n}.waiting_max`, t("activity.waiting-max"), { value: session.waiting_max, required: true, hint: t("activity.waiting-max-hint") })}
    <details>
      <summary>${t("activity.more")}</summary>
      ${moreOf(session, was, n)}
    </details>
    </div>
    ${model.sessions.filter((one) => !one.removed).length > 1 ? button(t("activity.remove-session"), async () => (session.removed = true), { kind: "danger", name: `${t("activity.remove-session")}: ${when}` }) : nothing}
  </details>`;
}

function moreOf(session, was, n) {
  return html`
    ${timeField(`sessions.${n}.opens_at`, t("activity.opens"), { value: session.opens_at, hint: t("activity.opens-hint") })}
    ${timeField(`sessions.${n}.closes_at`, t("activity.closes"), { value: session.closes_at, hint: t("activity.closes-hint") })}
    ${choice(`sessions.${n}.admits`, t("activity.admits"), ADMITS.map((one) => [one, t(`admits.${one}`)]), { value: session.admits })}
    ${numberField(`sessions.${n}.places_per_person_max`, t("activity.per-person"), { value: session.places_per_person_max, min: 1, required: false, hint: t("activity.per-person-hint") })}
    ${choice(`sessions.${n}.waiting_policy`, t("activity.policy"), POLICIES.map((one) => [one, t(`policy.${one}`)]), { value: session.waiting_policy })}
    ${numberField(`sessions.${n}.offer_minutes`, t("activity.offer"), { value: session.offer_minutes, min: 1, required: false, hint: t("activity.offer-hint") })}
    ${choice(`sessions.${n}.overlap`, t("activity.overlap"), OVERLAPS.map((one) => [one, t(`overlap.${one}`)]), { value: session.overlap })}
    ${tick(`sessions.${n}.minors_need_consent`, t("activity.consent"), { checked: session.minors_need_consent })}
    ${tick(`sessions.${n}.reminders`, t("activity.reminders"), { checked: session.reminders })}
    ${field(`sessions.${n}.feedback`, t("activity.feedback"), { value: session.feedback ?? "", maxlength: 200, hint: t("activity.feedback-hint") })}
    ${was && !was.draft ? nothing : tick(`sessions.${n}.draft`, t("activity.draft-session"), { checked: session.draft })}
  `;
}

/** A further session is most often the same a day later. */
function addButton(model) {
  const last = model.sessions.filter((one) => !one.removed).at(-1);
  if (!last || model.sessions.length >= SESSIONS_MAX) return nothing;
  const add = async () => {
    const { starts_at, ends_at, venue, district, capacity, waiting_max } = last;
    const rest = Object.fromEntries(Object.keys(USUAL).map((name) => [name, last[name]]));
    const next = { ...rest, session_id: "", venue, district, capacity, waiting_max, opens_at: null, closes_at: null, draft: false, isNew: true };
    model.sessions.push({ ...next, starts_at: later(starts_at, DAY_MS), ends_at: later(ends_at, DAY_MS) });
  };
  return html`<p>${button(t("activity.add-session"), add)}</p>`;
}

/** Whom saving tells of another time or venue. */
function moves(model, kept) {
  const moved = model.sessions.filter((session) => {
    const was = kept?.sessions.find((one) => one.session_id === session.session_id);
    return was && !session.removed && was.state === "planned" && !was.draft && (was.free !== was.capacity || was.waiting) && ["starts_at", "ends_at", "venue"].some((name) => !same(was[name], session[name]));
  });
  return moved.length ? html`<p role="status" class="fair">${t("activity.moves", { n: moved.length })}</p>` : nothing;
}

function same(one, other) {
  return one === other || Date.parse(one) === Date.parse(other);
}

function typed(model, { name, type, value, checked }) {
  const [, n, key] = /^(?:sessions\.(\d+)\.)?([a-z_]+)$/.exec(name) ?? [];
  const of = n === undefined ? model : model.sessions[Number(n)];
  if (!key || !of) return;
  of[key] = type === "checkbox" ? checked : type === "datetime-local" ? ofField(value) : type === "number" ? (value === "" ? null : Number(value)) : value;
  if (key === "feedback") of[key] = value || null;
  // A session that begins later ends later, too.
  if (key === "starts_at" && of.starts_at && of.ends_at && of.ends_at <= of.starts_at)
    of.ends_at = later(of.starts_at, USUAL_MS);
}

function later(time, ms) {
  return time && new Date(Date.parse(time) + ms).toISOString();
}
