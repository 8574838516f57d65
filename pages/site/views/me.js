// My week: places with tickets, awards, and how to change one's mind.
import { account } from "../parts/account.js";
import { all, ask } from "../parts/api.js";
import { announce, button, html, loading, nothing, attempt, show, signInFirst, t } from "../parts/page.js";
import { named } from "../parts/language.js";
import { moment } from "../parts/times.js";

const ENDED = new Set(["cancelled"]);
let me = null;
let registrations = null;
let awards = [];
let unread = 0;
// By registration: the address of the picture of its ticket.
const tickets = new Map();
// The registration that is about to be cancelled: it is asked about once more.
let leaving = null;

show(() => t("menu.me"), body);
if (account()) await attempt(read);

async function read() {
  [me, registrations, awards, { unread }] = await Promise.all([
    ask("registration", "/me"),
    all("registration", "/registrations", "registrations"),
    // A ticket must not wait for what another service has.
    all("awards", "/me/awards", "awards").catch(() => null),
    ask("notifications", "/inbox/unread-count", { tries: 1 }).catch(() => ({ unread: "?" })),
  ]);
}

function body() {
  if (!account()) return signInFirst(t("me.sign-in"));
  if (!registrations) return loading();
  const going = registrations.filter((one) => !ENDED.has(one.status)).sort((one, other) => one.starts_at.localeCompare(other.starts_at));
  return html`
    <p>${t("me.hello", { name: me.name ?? "" })}</p>
    ${me.verified ? nothing : html`<div class="card"><p>${t("me.unverified")}</p>
          <p><a class="button main" href="/sign-in?verify=${encodeURIComponent(me.participant_id)}&next=/me">${t("sign-in.verify")}</a></p></div>`}
    <p><a class="button" href="/inbox">${t("me.inbox", { n: unread })}</a> <a class="button" href="/data">${t("menu.data")}</a></p>
    <h2>${t("me.places")}</h2>
    ${going.length ? html`<ul class="cards">${going.map(place)}</ul>` : html`<p>${t("me.no-places")} <a href="/">${t("me.to-programme")}</a></p>`}
    <h2>${t("me.awards")}</h2>
    ${awards === null ? html`<p>${t("trouble.unreached")}</p>` : awards.length ? html`<ul class="cards">${awards.map(award)}</ul>` : html`<p>${t("me.no-awards")} <a href="/contest">${t("me.to-contest")}</a></p>`}
  `;
}

function place(one) {
  const holds = one.status === "confirmed" || one.status === "checked_in";
  return html`<li class="card ticket" data-registration=${one.registration_id}>
    <h3><a href="/activity?id=${encodeURIComponent(one.activity_id)}">${one.activity_title}</a></h3>
    <p><span class="time">${moment(one.starts_at)}</span> · ${one.venue}</p>
    <p><strong class=${holds ? "good" : "fair"}>${named("status", one.status)}</strong> · ${t("booking.places", { n: one.places })}
      ${one.position ? t("outcome.position", { n: one.position }) : nothing}</p>
    ${one.until ? html`<p>${t(one.status === "offered" ? "me.until" : "me.verify-until", { at: moment(one.until) })}</p>` : nothing}
    ${one.status === "offered" ? button(t("me.accept"), () => accept(one), { kind: "main" }) : nothing}
    ${holds ? ticket(one) : nothing}
    <div class="row">
      ${holds ? html`${button(t("me.calendar"), () => calendar(one))} ${button(t("me.print"), () => download(`/registrations/${one.registration_id}/ticket.pdf`, "ticket.pdf"))}` : nothing}
      ${one.status === "checked_in" ? nothing : leaving === one.registration_id
        ? html`<p>${t("me.sure")}</p> ${button(t("me.cancel-now"), () => cancel(one), { kind: "danger" })} ${button(t("me.keep"), async () => (leaving = null))}`
        : button(t("me.cancel"), async () => (leaving = one.registration_id), { name: `${t("me.cancel")}: ${one.activity_title}` })}
    </div>
  </li>`;
}

function ticket(one) {
  const picture = tickets.get(one.registration_id);
  if (!picture) return html`<p>${button(t("me.show-ticket"), () => showTicket(one), { kind: "main", name: `${t("me.show-ticket")}: ${one.activity_title}` })}</p>`;
  return html`<figure>
    <img class="code" src=${picture} alt=${t("me.ticket-picture", { code: one.ticket_code ?? "" })} width="240" height="240">
    <figcaption>${t("me.ticket-code")} <code>${one.ticket_code}</code></figcaption>
  </figure>`;
}

function award(one) {
  const code = encodeURIComponent(one.award_code);
  return html`<li class="card">
    <h3>${one.scheme_title}</h3>
    <p>${named("award-kind", one.kind)}${one.tier ? ` · ${one.tier}` : ""} · <strong class=${one.status === "held" ? "good" : "bad"}>${named("award", one.status)}</strong></p>
    <p class="quiet">${t("me.award-code")} <code>${one.award_code}</code> · ${moment(one.issued_at)}</p>
    ${one.status === "held" ? html`<div class="row">
          ${button(t("me.document"), () => download(`/awards/${code}/document.pdf`, `${one.award_code}.pdf`, "awards"), { kind: "main", name: `${t("me.document")}: ${one.scheme_title}` })}
          <a class="button" href="/verify?code=${code}">${t("me.check")}</a>
        </div>` : nothing}
  </li>`;
}

async function showTicket(one) {
  const picture = await ask("registration", `/registrations/${one.registration_id}/ticket.svg`, { as: "blob" });
  tickets.set(one.registration_id, URL.createObjectURL(picture));
}

async function accept(one) {
  await ask("registration", `/registrations/${one.registration_id}/accept`, { method: "POST", again: true });
  await read();
  announce(t("me.accepted"));
}

async function cancel(one) {
  await ask("registration", `/registrations/${one.registration_id}/cancel`, { method: "POST", again: true });
  leaving = null;
  await read();
  announce(t("me.cancelled"));
}

async function calendar(one) {
  await download(`/registrations/${one.registration_id}/calendar.ics`, "kepu.ics");
}

async function download(path, name, service = "registration") {
  const file = await ask(service, path, { as: "blob", seconds: 60 });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
}
