// Objections to a public notice, of a scheme or of a selection: read, decide, and write one down for somebody.
import { asksFirst, change } from "./organise-changing.js";
import { nameOf, who } from "./organise-recipients.js";
import { mayChange } from "./organiser.js";
import { announce, area, field, form, html, nothing, t } from "./page.js";
import { moment } from "./times.js";

const OUTCOMES = ["upheld", "dismissed"];

/** How many wait for a decision. Nothing is to be decided about the erased. */
export function openOf(objections) {
  return objections.filter((one) => !one.outcome && one.recipient_id).length;
}

/** `path`: of the scheme or selection. `runs`: one may object now. */
export function objectionsSection(objections, path, { runs, reload }) {
  return html`<section aria-labelledby="objections">
    <h2 id="objections">${t("objections.title")}</h2>
    <p>${objections.length ? t("objections.count", { n: objections.length, open: openOf(objections) }) : t("objections.none")}</p>
    <ul class="cards">${objections.map((one) => card(one, path, reload))}</ul>
    ${runs && mayChange() ? writing(path, reload) : nothing}
  </section>`;
}

function card(one, path, reload) {
  const decide = (outcome) => async ({ reason }) => {
    await change("awards", `${path}/objections/${encodeURIComponent(one.objection_id)}/decision`, { method: "POST", body: { outcome, reason } });
    await reload();
    announce(t(`objection-outcome.${outcome}`));
  };
  const question = (outcome) => html`
    <p>${t(`objection-sure.${outcome}`, { who: nameOf(one.recipient_id) })}</p>
    ${field("reason", t("objections.reason"), { required: true, maxlength: 200, hint: t("objections.reason-hint") })}
  `;
  return html`<li class="card" data-objection=${one.objection_id}>
    <h3>${t("objections.against")} ${who(one.recipient_id)}</h3>
    <p class="text">${one.text ?? t("objections.gone")}</p>
    <p class="quiet">${moment(one.made_at)} · ${one.by ? t("objections.by-participant", { who: one.by }) : t("objections.by-organiser")}</p>
    ${one.outcome
      ? html`<p><strong>${t(`objection-outcome.${one.outcome}`)}</strong> ${one.reason ?? ""}</p>`
      : one.recipient_id
        ? html`<div class="row">${OUTCOMES.map((outcome) =>
            asksFirst(`${outcome}-${one.objection_id}`, t(`objection-decide.${outcome}`), { about: () => question(outcome), work: decide(outcome), kind: outcome === "upheld" ? "danger" : "plain" }),
          )}</div>`
        : nothing}
  </li>`;
}

function writing(path, reload) {
  const write = async ({ against, objection }) => {
    await change("awards", `${path}/objections`, { method: "POST", body: { recipient_id: against.trim(), text: objection } });
    await reload();
    announce(t("objections.written"));
  };
  return html`<details>
    <summary>${t("objections.write")}</summary>
    ${form(
      html`${field("against", t("objections.whom"), { required: true, maxlength: 64, list: "groups" })}
      ${area("objection", t("objections.text"), { required: true, maxlength: 4000 })}`,
      t("objections.write-now"),
      write,
      { kind: "plain" },
    )}
  </details>`;
}
