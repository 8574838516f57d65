// A session in words: whether one can register, and what became of a registration.
import { html, nothing, t } from "./page.js";
import { spoken } from "./spoken.js";
import { moment } from "./times.js";

/** How many places are left, or why none can be had. */
export function places(session) {
  if (session.state === "cancelled") return html`<strong class="bad">${t("session.cancelled")}</strong> ${spoken(session.cancelled_text)}`;
  if (!session.open) return html`<span class="quiet">${closedBecause(session)}</span>`;
  if (session.free > 0) return html`<strong class="good">${t("session.free", { n: session.free })}</strong> ${of(session)}`;
  if (session.waiting < session.waiting_max)
    return html`<strong class="fair">${t("session.waiting", { n: session.waiting })}</strong>`;
  return html`<strong class="bad">${t("session.full")}</strong>`;
}

/** Whether a registration can be asked for now. */
export function canBeAsked(session) {
  return session.open && session.state === "planned" && (session.free > 0 || session.waiting < session.waiting_max);
}

/** A meter of the places that are taken. */
export function filled(session) {
  const taken = Math.max(0, session.capacity - session.free);
  return html`<meter min="0" max=${session.capacity} value=${taken} aria-label=${t("session.taken", { n: taken, of: session.capacity })}></meter>`;
}

function of(session) {
  return session.capacity ? html`<small>${t("session.of", { n: session.capacity })}</small>` : nothing;
}

function closedBecause(session) {
  const now = Date.now();
  if (session.opens_at && now < Date.parse(session.opens_at)) return t("session.opens", { at: moment(session.opens_at) });
  if (now > Date.parse(session.ends_at)) return t("session.over");
  return t("session.closed");
}
