// My week: places with tickets, awards, and how to change one's mind.
import { account } from "../parts/account.js";
import { ask, Refused } from "../parts/api.js";
import { announce, attempt, button, html, loading, nothing, show, signInFirst, t, update } from "../parts/page.js";
import { download } from "../parts/download.js";
import { language, named } from "../parts/language.js";
import { fetchTicket, holds, keepTickets, keptWeek, pictureOf, readWeek } from "../parts/own-week.js";
import { spoken } from "../parts/spoken.js";
import { moment } from "../parts/times.js";

const ENDED = new Set(["cancelled"]);
// If the newer list takes longer, what this device knew is shown: a ticket must not wait for the network.
const KEPT_AFTER_SECONDS = 1.5;
let week = null;
let isOld = !navigator.onLine;
// Registrations whose tickets are shown.
const shown = new Set();
// The registration that is about to be cancelled: it is asked about once more.
let leaving = null;

show(() => t("menu.me"), body);
addEventListener("online", refresh);
setTimeout(showKept, KEPT_AFTER_SECONDS * 1000);
if (account()) await refresh();

async function read() {
  week = await readWeek();
  isOld = false;
  // Nobody waits for tickets: each can be fetched by its button too.
  keepTickets(week).then(update, () => {});
}

function showKept() {
  week ??= keptWeek();
  update();
}

/** Read it anew. Without an answer, what is known stays. */
async function refresh() {
  try {
    await read();
    update();
  } catch (error) {
    const isFinal = error instanceof Refused && error.status < 500 && error.status !== 429;
    isOld = true;
    week ??= keptWeek();
    if (isFinal || !week) await attempt(() => Promise.reject(error));
    else update();
  }
}

function body() {
  if (!account()) return html`${signInFirst(t("me.sign-in"))} <p><a href="/groups">${t("menu.groups")}</a></p>`;
  if (!week) return loading();
  const { me, registrations, awards, unread } = week;
  const inOrder = [...registrations].sort((one, other) => one.starts_at.localeCompare(other.starts_at));
  const going = inOrder.filter((one) => !ENDED.has(one.status));
  const ended = inOrder.filter((one) => ENDED.has(one.status));
  return html`
    <p>${t("me.hello", { name: me.name ?? "" })}</p>
    ${isOld ? html`<div class="card" role="status"><p>${t("me.known-since", { at: moment(week.at) })}</p>
          <p>${button(t("paper.try"), read)}</p></div>` : nothing}
    ${me.verified ? nothing : html`<div class="card"><p>${t("me.unverified")}</p>
          <p><a class="button main" href="/sign-in?verify=${encodeURIComponent(me.participant_id)}&next=/me">${t("sign-in.verify")}</a></p></div>`}
    <p class="row"><a class="button" href="/inbox">${t("me.inbox", { n: unread })}</a> <a class="button" href="/data">${t("menu.data")}</a> <a class="button" href="/groups">${t("menu.groups")}</a></p>
    <h2>${t("me.places")}</h2>
    ${going.length ? html`<ul class="cards">${going.map(place)}</ul>` : html`<p>${t("me.no-places")} <a href="/">${t("me.to-programme")}</a></p>`}
    ${ended.length ? html`<details><summary>${t("me.ended", { n: ended.length })}</summary><p>${t("me.ended-why")}</p><ul class="cards">${ended.map(past)}</ul></details>` : nothing}
    <h2>${t("me.awards")}</h2>
    ${awards === null ? html`<p>${t("trouble.unreached")}</p>` : awards.length ? html`<ul class="cards">${awards.map(award)}</ul>` : html`<p>${t("me.no-awards")} <a href="/contest">${t("me.to-contest")}</a></p>`}
  `;
}

function place(one) {
  return html`<li class="card ticket" data-registration=${one.registration_id}>
    <h3><a href="/activity?id=${encodeURIComponent(one.activity_id)}">${spoken(one.activity_title)}</a></h3>
    <p><span class="time">${moment(one.starts_at)}</span> · ${spoken(one.venue)}</p>
    <p><strong class=${holds(one) ? "good" : "fair"}>${named("status", one.status)}</strong> · ${t("booking.places", { n: one.places })}
      ${one.position ? t("outcome.position", { n: one.position }) : nothing}</p>
    ${one.until ? html`<p>${t(one.status === "offered" ? "me.until" : "me.verify-until", { at: moment(one.until) })}</p>` : nothing}
    ${one.status === "offered" ? button(t("me.accept"), () => accept(one), { kind: "main" }) : nothing}
    ${holds(one) ? ticket(one) : nothing}
    <div class="row">
      ${holds(one) ? html`${button(t("me.calendar"), () => calendar(one))} ${button(t("me.print"), () => download("registration", `/registrations/${one.registration_id}/ticket.pdf`, "ticket.pdf"))}` : nothing}
      ${one.status === "checked_in" ? nothing : leaving === one.registration_id
        ? html`<p>${t("me.sure")}</p> ${button(t("me.cancel-now"), () => cancel(one), { kind: "danger" })} ${button(t("me.keep"), async () => (leaving = null))}`
        : html`<a class="button" href="/activity?id=${encodeURIComponent(one.activity_id)}&instead=${one.registration_id}" aria-label="${t("me.change")}: ${one.activity_title}">${t("me.change")}</a>
            ${button(t("me.cancel"), async () => (leaving = one.registration_id), { name: `${t("me.cancel")}: ${one.activity_title}` })}`}
    </div>
  </li>`;
}

function past(one) {
  return html`<li class="card">
    <h3><a href="/activity?id=${encodeURIComponent(one.activity_id)}">${spoken(one.activity_title)}</a></h3>
    <p><span class="time">${moment(one.starts_at)}</span> · ${spoken(one.venue)} · <strong class="fair">${named("status", one.status)}</strong></p>
  </li>`;
}

function ticket(one) {
  const picture = pictureOf(week, one);
  const isShown = shown.has(one.registration_id);
  // On paper it is always there.
  return html`
    ${isShown ? nothing : html`<p>${button(t("me.show-ticket"), () => showTicket(one), { kind: "main", name: `${t("me.show-ticket")}: ${one.activity_title}` })}</p>`}
    ${picture ? html`<figure ?hidden=${!isShown}>
          <img class="code" src=${picture} alt=${t("me.ticket-picture", { code: one.ticket_code ?? "" })} width="240" height="240">
          <figcaption>${t("me.ticket-code")} <code>${one.ticket_code}</code></figcaption>
        </figure>` : nothing}
  `;
}

function award(one) {
  const code = encodeURIComponent(one.award_code);
  return html`<li class="card">
    <h3>${spoken(one.scheme_title)}</h3>
    <p>${named("award-kind", one.kind)}${one.tier ? html` · ${spoken(one.tier)}` : nothing} · <strong class=${one.status === "held" ? "good" : "bad"}>${named("award", one.status)}</strong></p>
    <p class="quiet">${t("me.award-code")} <code>${one.award_code}</code> · ${moment(one.issued_at)}</p>
    ${one.status === "held" ? html`<div class="row">
          ${button(t("me.document"), () => download("awards", `/awards/${code}/document.pdf?language=${language}`, `${one.award_code}.pdf`), { kind: "main", name: `${t("me.document")}: ${one.scheme_title}` })}
          <a class="button" href="/verify?code=${code}">${t("me.check")}</a>
        </div>` : nothing}
  </li>`;
}

async function showTicket(one) {
  if (!pictureOf(week, one)) await fetchTicket(week, one);
  shown.add(one.registration_id);
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
  await download("registration", `/registrations/${one.registration_id}/calendar.ics`, "kepu.ics");
}
