// Conferring the awards of a scheme: on one, found by an id or a ticket, or on many from a list that is pasted.
import { alsoWords } from "./language.js";
import { act, change } from "./organise-changing.js";
import { tick } from "./organise-fields.js";
import { isId } from "./organise-ids.js";
import { columnsOf } from "./lines.js";
import { progress } from "./organise-waiting.js";
import { who } from "./organise-recipients.js";
import { mayChange, organise } from "./organiser.js";
import { announce, area, button, field, form, html, nothing, t, update } from "./page.js";

await alsoWords("organise-scheme");

// So many the service takes in one request.
const AT_ONCE = 1000;
const SHOWN = 200;
let found = "";
// The list that was pasted: [{recipient_id, note, wrong}], and how far it is conferred.
let list = null;
let allowUnknown = false;
let sent = 0;
let busy = false;
let outcomes = [];

export function conferring(scheme, reload) {
  if (!mayChange()) return nothing;
  const waits = scheme.issue.type === "after_notice";
  return html`<section aria-labelledby="confer">
    <h2 id="confer">${t(waits ? "confer.propose" : "confer.title")}</h2>
    <p>${t(waits ? "confer.explained-notice" : "confer.explained")}</p>
    ${form(
      html`${field("recipient", t("confer.recipient"), { value: found, required: true, maxlength: 64, list: "groups", autocomplete: "off", hint: t("confer.recipient-hint") })}
      ${field("note", t("confer.note"), { maxlength: 200, hint: t("confer.note-hint") })}`,
      t(waits ? "confer.propose-now" : "confer.now"),
      (fields) => conferOne(scheme, fields, reload),
    )}
    <details>
      <summary>${t("confer.by-ticket")}</summary>
      ${form(field("ticket", t("confer.ticket"), { required: true, maxlength: 40, autocomplete: "off" }), t("confer.find"), findByTicket, { kind: "plain" })}
    </details>
    <details>
      <summary>${t("confer.many")}</summary>
      ${many(scheme, reload)}
    </details>
    ${results()}
  </section>`;
}

async function conferOne(scheme, { recipient, note }, reload) {
  await confer(scheme, [{ recipient_id: recipient.trim(), note: note.trim() || null }], reload);
  // For the next one. What was typed does not go by itself.
  for (const name of ["recipient", "note"]) document.getElementById(name).value = "";
}

async function findByTicket({ ticket }) {
  const { participant_id } = await organise("registration", "/registrations/search", { method: "POST", body: { ticket_code: ticket.trim() }, again: true });
  found = participant_id;
  announce(t("confer.found", { id: participant_id }));
}

function many(scheme, reload) {
  if (busy) return progress(t("confer.working", { n: sent, of: list.length }), sent, list.length);
  if (!list) {
    return form(
      html`${area("list", t("confer.list"), { required: true, rows: 8, hint: t("confer.list-hint") })}
      ${tick("unknown", t("confer.unknown"))}`,
      t("confer.preview"),
      preview,
      { kind: "plain" },
    );
  }
  const wrong = list.filter((one) => one.wrong);
  return html`<div class="next" tabindex="-1">
    <p><strong>${t("confer.previewed", { n: list.length, wrong: wrong.length })}</strong></p>
    ${wrong.length ? html`<p class="bad">${t("confer.correct")}</p>` : nothing}
    ${table([...wrong, ...list.filter((one) => !one.wrong)])}
    <div class="row">
      ${wrong.length ? nothing : act(t("confer.all", { n: list.length }), () => confer(scheme, list, reload), { kind: "main" })}
      ${button(t("form.cancel"), async () => (list = null))}
    </div>
  </div>`;
}

/** What the list says, before anything is done. */
async function preview({ list: text, unknown }) {
  const seen = new Set();
  list = columnsOf(text).map(([id, note]) => {
    const wrong = !isId(id) ? "confer.no-id" : seen.has(id) ? "confer.twice" : note.length > 200 ? "confer.long-note" : "";
    seen.add(id);
    return { recipient_id: id, note: note || null, wrong };
  });
  allowUnknown = Boolean(unknown);
}

function table(lines) {
  return html`<div class="wide" tabindex="0" role="region" aria-label=${t("confer.many")}>
    <table>
      <thead><tr><th scope="col">${t("recipient.who")}</th><th scope="col">${t("confer.note")}</th><th scope="col">${t("confer.looks")}</th></tr></thead>
      <tbody>${lines.slice(0, SHOWN).map((one) => html`<tr>
        <td>${who(one.recipient_id)}</td>
        <td>${one.note ?? "–"}</td>
        <td class=${one.wrong ? "bad" : "good"}>${one.wrong ? t(one.wrong) : t("confer.good")}</td>
      </tr>`)}</tbody>
    </table>
    ${lines.length > SHOWN ? html`<p>${t("confer.rest", { n: lines.length - SHOWN })}</p>` : nothing}
  </div>`;
}

async function confer(scheme, recipients, reload) {
  [busy, sent, outcomes] = [recipients === list, 0, []];
  try {
    for (; sent < recipients.length; sent += AT_ONCE) {
      update();
      const some = recipients.slice(sent, sent + AT_ONCE).map(({ recipient_id, note }) => ({ recipient_id, note }));
      const answer = await change("awards", `/schemes/${encodeURIComponent(scheme.scheme_id)}/conferrals`, {
        method: "POST",
        seconds: 60,
        body: { recipients: some, allow_unknown: recipients === list && allowUnknown },
      });
      outcomes = [...outcomes, ...answer.outcomes];
    }
  } finally {
    busy = false;
  }
  list = null;
  found = "";
  await reload();
  announce(t("confer.done", { n: outcomes.filter((one) => one.outcome !== "refused").length, of: outcomes.length }));
}

function results() {
  if (!outcomes.length) return nothing;
  const count = (outcome) => outcomes.filter((one) => one.outcome === outcome).length;
  const refused = outcomes.filter((one) => one.outcome === "refused");
  return html`<div class="inset" data-outcome=${outcomes.length === 1 ? outcomes[0].outcome : "many"}>
    <ul>${["issued", "proposed", "existing", "refused"].filter(count).map((one) => html`<li>${t(`confer-outcome.${one}`, { n: count(one) })}</li>`)}</ul>
    ${refused.length ? html`<ul>${refused.slice(0, SHOWN).map((one) => html`<li class="bad">${who(one.recipient_id)}: ${one.detail} <small>(${one.code})</small></li>`)}</ul>` : nothing}
  </div>`;
}
