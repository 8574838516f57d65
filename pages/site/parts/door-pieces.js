// What a door shows: the sessions to choose from, a verdict, and where doors and the service differ.
import { named } from "./language.js";
import { html, nothing, t } from "./page.js";
import { clock, moment, span } from "./times.js";
import { date } from "./week.js";

const SIGNS = { good: "✓", fair: "?", bad: "✗" };

/** The sessions to choose from: today's first. `reached`: the network is there, so these are all. */
export function sessionsToChoose(offered, reached) {
  const today = offered.filter((one) => date(one.starts_at) <= date(Date.now()));
  const later = offered.filter((one) => !today.includes(one));
  return html`
    <p>${t("door.choose")}</p>
    ${reached ? nothing : html`<p class="fair">${t("door.kept-only")}</p>`}
    ${today.length ? html`<ul class="cards">${today.map(card)}</ul>` : html`<p>${t("door.none-today")}</p>`}
    ${later.length ? html`<details><summary>${t("door.later")}</summary><ul class="cards">${later.map(card)}</ul></details>` : nothing}
  `;
}

function card(one) {
  return html`<li class="card" data-session=${one.session_id}>
    <a href="/door?session=${encodeURIComponent(one.session_id)}">${one.title}</a>
    <p>${span(one.starts_at, one.ends_at)} · ${one.venue}</p>
    ${one.kept ? html`<p class="good">${t("door.kept")}</p>` : nothing}
  </li>`;
}

/** A verdict, large: by its colour, by a sign and in words. */
export function verdictOf({ outcome, verdict, people, people_in = 0, places, since, session: of }) {
  return html`<div class="verdict ${outcome}" data-verdict=${verdict}>
    <p class="sign" aria-hidden="true">${SIGNS[outcome]}</p>
    <p class="said">${named("verdict", verdict)}</p>
    ${verdict === "ok" ? html`<p>${t("door.people-now", { n: people })}</p>` : nothing}
    ${verdict === "too_many" && places ? html`<p>${t("door.left", { n: Math.max(0, places - people_in) })}</p>` : nothing}
    ${verdict !== "ok" && since ? html`<p>${t("door.since", { at: moment(since) })}</p>` : nothing}
    ${verdict.startsWith("wrong_") && of ? html`<p>${of.activity_title} · ${moment(of.starts_at)} · ${of.venue}</p>` : nothing}
  </div>`;
}

/** Where the service sees it otherwise than a door: each with `verdict`, `let_in` and the `device`. */
export function conflictsOf(rows, own) {
  if (!rows.length) return nothing;
  return html`<h2 class="bad">${t("door.conflicts", { n: rows.length })}</h2>
    <p>${t("door.conflicts-explained")}</p>
    <ul>${rows.map(
      (one) => html`<li data-conflict=${one.verdict}>
        ${clock(one.scanned_at)} · ${one.device === own ? t("door.this-device") : one.device} ·
        ${one.let_in ? t("door.was-let-in") : t("door.was-sent-away")} · ${named("verdict", one.verdict)}
      </li>`,
    )}</ul>`;
}
