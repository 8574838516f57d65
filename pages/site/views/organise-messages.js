// Messages for organisers: how many went which way, which failed and why, those to sessions, and those of groups.
import { alsoWords, language, named } from "../parts/language.js";
import { asksFirst, change, conflicted } from "../parts/organise-changing.js";
import { loadMessages, writing } from "../parts/organise-writing.js";
import { mayChange, organise, organiseAll, showToOrganisers } from "../parts/organiser.js";
import { announce, button, choice, html, loading, nothing, t } from "../parts/page.js";
import { moment } from "../parts/times.js";

await alsoWords("organise-programme");
await alsoWords("organise-messages");

const CHANNELS = ["inbox", "email", "sms"];
const STATES = ["delivered", "pending", "waiting_contact", "claimed", "failed", "skipped", "cancelled"];
const PAGE = 50;
const INBOX_MAX = 200;
let counts = null;
const chosen = { state: "failed", channel: "" };
let deliveries = [];
let after = null;
let activities = [];
let groups = [];
// What was chosen of the sessions and of the groups, by id.
let sessionId = "";
let groupId = "";
let inbox = null;

await showToOrganisers(() => t("organise.messages"), body, load);

async function load() {
  [{ counts }] = await Promise.all([organise("notifications", "/deliveries/summary"), list()]);
  [activities, groups] = await Promise.all([
    organiseAll("registration", "/activities", "activities"),
    mayChange() ? organiseAll("registration", "/groups", "groups") : [],
  ]);
}

async function list() {
  await read(null, []);
}

async function read(from, before) {
  const asked = Object.entries({ limit: PAGE, ...chosen, after: from }).filter(([, value]) => value);
  const page = await organise("notifications", `/deliveries?${new URLSearchParams(asked)}`);
  deliveries = [...before, ...page.deliveries];
  after = page.after;
}

function body() {
  if (!counts) return loading();
  return html`
    ${conflicted(load)}
    <h2>${t("messages.summary")}</h2>
    ${summary()} ${button(t("programme.again"), load)}
    <h2>${t("messages.list")}</h2>
    ${filters()} ${listed()}
    <h2>${t("write.title")}</h2>
    ${toSessions()}
    ${mayChange() ? html`<h2>${t("messages.of-groups")}</h2>${ofGroups()}` : nothing}
  `;
}

function summary() {
  const count = (channel, state) => counts.find((one) => one.channel === channel && one.state === state)?.count ?? 0;
  return html`<div class="wide" tabindex="0" role="region" aria-label=${t("messages.summary")}>
    <table>
      <thead><tr><th scope="col">${t("messages.state")}</th>${CHANNELS.map((one) => html`<th scope="col">${t(`channel.${one}`)}</th>`)}</tr></thead>
      <tbody>
        ${STATES.map((state) => html`<tr><th scope="row">${t(`delivery.${state}`)}</th>
            ${CHANNELS.map((channel) => html`<td class=${state === "failed" && count(channel, state) ? "bad" : ""}>${count(channel, state)}</td>`)}</tr>`)}
      </tbody>
    </table>
  </div>`;
}

function filters() {
  const set = (name) => async (value) => {
    chosen[name] = value;
    await list();
  };
  // What was delivered to inboxes only its recipients read.
  const channels = CHANNELS.filter((one) => chosen.state !== "delivered" || one !== "inbox");
  return html`<div class="filters">
    ${choice("state", t("messages.state"), STATES.map((one) => [one, t(`delivery.${one}`)]), { value: chosen.state, changed: async (value) => { if (value === "delivered" && chosen.channel === "inbox") chosen.channel = ""; await set("state")(value); } })}
    ${choice("channel", t("messages.channel"), [["", t("programme.all")], ...channels.map((one) => [one, t(`channel.${one}`)])], { value: chosen.channel, changed: set("channel") })}
  </div>`;
}

function listed() {
  const again = deliveries.filter(mayBeTried);
  return html`
    <p role="status" class="quiet">${t(after ? "messages.first" : "messages.count", { n: deliveries.length })}</p>
    ${again.length > 1 && mayChange()
      ? asksFirst("retry-all", t("messages.retry-all", { n: again.length }), { about: () => html`<p>${t("messages.retry-sure", { n: again.length })}</p>`, work: () => retry(again), kind: "plain" })
      : nothing}
    <ul class="cards">
      ${deliveries.map(delivery)}
    </ul>
    ${after ? button(t("write.more"), () => read(after, deliveries)) : nothing}
  `;
}

function mayBeTried(one) {
  return one.state === "failed" && one.channel !== "inbox";
}

function delivery(one) {
  const kind = named("message-kind", one.kind);
  return html`<li class="card">
    <p><strong>${kind}</strong> · ${t(`channel.${one.channel}`)} · ${moment(one.created_at)}</p>
    <p class=${one.state === "failed" ? "bad" : "quiet"}>${t(`delivery.${one.state}`)}${one.code ? html`: ${named("delivery-code", one.code)}` : nothing} ${one.reply ? t("messages.reply", { code: one.reply }) : nothing}</p>
    <p class="quiet">${t("messages.tries", { n: one.attempts })}${one.due_at ? html` · ${t("messages.due", { at: moment(one.due_at) })}` : nothing} · <small><code>${one.participant_id}</code></small></p>
    ${mayChange() && mayBeTried(one) ? button(t("messages.retry"), () => retry([one]), { name: `${t("messages.retry")}: ${kind} ${moment(one.created_at)}` }) : nothing}
  </li>`;
}

/** One after the other. What is tried again has not failed any more, and leaves the list. */
async function retry(some) {
  let tried = 0;
  try {
    for (const one of some) {
      // Not a second time by itself: by then it has not failed, which would be refused.
      await change("notifications", `/deliveries/${encodeURIComponent(one.message_id)}/retry`, { method: "POST", again: false });
      deliveries = deliveries.filter((other) => other !== one);
      tried += 1;
    }
  } finally {
    if (tried) ({ counts } = await organise("notifications", "/deliveries/summary"));
  }
  announce(t("messages.retried", { n: tried }));
}

function toSessions() {
  const sessions = activities.flatMap((activity) => activity.sessions.filter((one) => !one.draft && !activity.draft).map((session) => ({ ...session, activity })));
  sessions.sort((one, other) => one.starts_at.localeCompare(other.starts_at));
  const pick = async (id) => {
    const found = sessions.find((one) => one.session_id === id);
    if (found) await loadMessages(found.activity, found);
    sessionId = id;
  };
  return html`
    ${choice("session", t("messages.session"), [["", t("messages.pick")], ...sessions.map((one) => [one.session_id, `${moment(one.starts_at)} ${one.activity.title}`])], { value: sessionId, changed: pick })}
    ${sessionId ? html`${writing()}<p><a href="/organise-session?id=${encodeURIComponent(sessionId)}">${t("messages.to-session")}</a></p>` : nothing}
  `;
}

function ofGroups() {
  const pick = async (id) => {
    inbox = id ? await organiseAll("notifications", `/recipients/${encodeURIComponent(id)}/inbox?language=${language}`, "messages", INBOX_MAX) : null;
    groupId = id;
  };
  return html`
    <p>${t("messages.of-groups-explained")}</p>
    ${choice("group", t("messages.group"), [["", t("messages.pick")], ...groups.map((one) => [one.group_id, one.name])], { value: groupId, changed: pick })}
    ${inbox && !inbox.length ? html`<p>${t("inbox.none")}</p>` : nothing}
    ${inbox?.length ? html`<ul class="cards">${inbox.map(groupMessage)}</ul>` : nothing}
  `;
}

function groupMessage(one) {
  return html`<li class="card">
    <details>
      <summary><strong>${one.subject}</strong> <small>${moment(one.created_at)}</small></summary>
      <p class="text">${one.body}</p>
    </details>
  </li>`;
}
