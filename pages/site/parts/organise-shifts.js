// The shifts of a session and its rota: who is needed, who has volunteered, who is on it.
import { randomName } from "./kept.js";
import { alsoWords } from "./language.js";
import { asksFirst, change } from "./organise-changing.js";
import { numberField, timeField } from "./organise-fields.js";
import { who } from "./organise-names.js";
import { ofField } from "./organise-times.js";
import { mayChange, organise, organiseAll } from "./organiser.js";
import { announce, button, choice, field, form, html, loading, nothing, t } from "./page.js";
import { span } from "./times.js";

await alsoWords("organise-session");

let session = null;
let shifts = null;
let rota = [];
// The shift whose form is open, with its version; its tag is null if it is new.
let editing = null;

export async function loadShifts(of) {
  session = of;
  [{ shifts }, rota] = await Promise.all([
    organise("registration", path("/shifts")),
    organiseAll("registration", path("/rota"), "assignments"),
  ]);
  editing = null;
}

/** The ids of those on the page. */
export function volunteersShown() {
  return rota.map((one) => one.participant_id);
}

function path(rest) {
  return `/sessions/${encodeURIComponent(session.session_id)}${rest}`;
}

export function shiftsOf() {
  if (!shifts) return loading();
  const staffed = session.state === "planned";
  return html`
    ${shifts.length ? html`<ul class="cards">${shifts.map(shift)}</ul>` : html`<p>${t("shifts.none")}</p>`}
    ${mayChange() && staffed ? (editing && editing.tag === null ? shiftForm() : html`<p>${button(t("shifts.add"), add)}</p>`) : nothing}
    ${mayChange() && staffed && shifts.length ? assigning() : nothing}
  `;
}

function shift(one) {
  const people = rota.filter((other) => other.shift_id === one.shift_id);
  const mine = editing?.shift_id === one.shift_id && editing.tag !== null;
  return html`<li class="card">
    <h3>${one.duty}</h3>
    <p>${span(one.starts_at, one.ends_at)}</p>
    <p>${t("shifts.counts", { assigned: one.assigned, needed: one.needed, most: one.most })} · ${t("shifts.volunteered", { n: one.volunteered })}
      ${one.lacking ? html`· <strong class="fair">${t("programme.lacking", { n: one.lacking })}</strong>` : nothing}</p>
    ${people.length ? html`<ul>${people.map((person) => assignment(person, one))}</ul>` : nothing}
    ${mine ? shiftForm() : mayChange() ? html`<div class="row">
          ${button(t("shifts.change"), () => edit(one), { name: `${t("shifts.change")}: ${one.duty}` })}
          ${removing(one)}
        </div>` : nothing}
  </li>`;
}

function assignment(person, shift) {
  const name = `${shift.duty} ${t("people.number", { n: person.number })}`;
  return html`<li>
    <p>${t("people.number", { n: person.number })} ${who(person.participant_id)} · <strong class=${person.status === "assigned" ? "good" : "fair"}>${t(`rota.${person.status}`)}</strong>
      ${person.overlaps_with ? html`<span class="fair">${t("rota.overlaps")}</span>` : nothing}</p>
    ${mayChange() ? html`<div class="row">
          ${person.status === "volunteered" ? button(t("rota.accept"), () => accept(person), { kind: "main", name: `${t("rota.accept")}: ${name}` }) : nothing}
          ${ending(person, name)}
        </div>` : nothing}
  </li>`;
}

async function accept(person) {
  await change("registration", `/assignments/${encodeURIComponent(person.assignment_id)}/acceptance`, { method: "POST" });
  await loadShifts(session);
  announce(t("rota.accepted"));
}

/** Whoever has only volunteered is declined; whoever is on the rota is taken off. */
function ending(person, name) {
  const [way, words] = person.status === "volunteered" ? ["refusal", t("rota.refuse")] : ["removal", t("rota.remove")];
  return asksFirst(`end-${person.assignment_id}`, words, {
    about: () => html`<p>${t("rota.end-sure")}</p>${field("text", t("people.cancel-text"), { maxlength: 200, hint: t("people.cancel-hint") })}`,
    name: `${words}: ${name}`,
    work: async ({ text }) => {
      const body = { code: "organiser", text: text.trim() || null };
      await change("registration", `/assignments/${encodeURIComponent(person.assignment_id)}/${way}`, { method: "POST", body });
      await loadShifts(session);
      announce(t("rota.ended"));
    },
  });
}

function removing(one) {
  return asksFirst(`shift-${one.shift_id}`, t("shifts.remove"), {
    about: () => html`<p>${t("shifts.remove-sure", { n: one.assigned + one.volunteered })}</p>`,
    name: `${t("shifts.remove")}: ${one.duty}`,
    work: async () => {
      await change("registration", path(`/shifts/${encodeURIComponent(one.shift_id)}`), { method: "DELETE" });
      await loadShifts(session);
      announce(t("shifts.removed"));
    },
  });
}

async function add() {
  // As long as its session, for one person.
  editing = { shift_id: `shift-${randomName().slice(0, 8)}`, duty: "", starts_at: session.starts_at, ends_at: session.ends_at, needed: 1, most: 2, tag: null };
}

async function edit(one) {
  const { tag, content } = await organise("registration", path(`/shifts/${encodeURIComponent(one.shift_id)}`), { as: "tagged" });
  editing = { ...content, tag };
}

function shiftForm() {
  return html`<div class="inset next" tabindex="-1">
    ${form(
      html`
        ${field("duty", t("shifts.duty"), { value: editing.duty, required: true, maxlength: 200, hint: t("shifts.duty-hint") })}
        ${timeField("shift-starts", t("activity.starts"), { value: editing.starts_at, required: true })}
        ${timeField("shift-ends", t("activity.ends"), { value: editing.ends_at, required: true })}
        ${numberField("needed", t("shifts.needed"), { value: editing.needed, required: true })}
        ${numberField("most", t("shifts.most"), { value: editing.most, required: true })}
      `,
      t("activity.save"),
      put,
      { names: { starts_at: "shift-starts", ends_at: "shift-ends" } },
    )}
    ${button(t("form.cancel"), async () => (editing = null))}
  </div>`;
}

async function put(fields) {
  const { shift_id, tag } = editing;
  const body = { duty: fields.duty.trim(), starts_at: ofField(fields["shift-starts"]), ends_at: ofField(fields["shift-ends"]), needed: Number(fields.needed), most: Number(fields.most) };
  await change("registration", path(`/shifts/${encodeURIComponent(shift_id)}`), { method: "PUT", body, tag, isNew: tag === null });
  await loadShifts(session);
  announce(t("shifts.saved"));
}

function assigning() {
  return html`<details>
    <summary>${t("rota.assign")}</summary>
    <p>${t("rota.assign-explained")}</p>
    ${form(
      html`
        ${choice("shift", t("rota.shift"), shifts.map((one) => [one.shift_id, `${one.duty} ${span(one.starts_at, one.ends_at)}`]))}
        ${field("whom", t("rota.whom"), { required: true, maxlength: 64, hint: t("rota.whom-hint") })}
      `,
      t("rota.assign-now"),
      async ({ shift, whom }) => {
        await change("registration", path("/rota"), { method: "POST", body: { shift_id: shift, participant_id: whom.trim() } });
        await loadShifts(session);
        announce(t("rota.accepted"));
      },
      { kind: "plain", names: { participant_id: "whom" } },
    )}
  </details>`;
}
