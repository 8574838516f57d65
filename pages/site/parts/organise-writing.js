// Messages to the people of a session: written, looked at with the number of those who get it, sent, and followed.
import { Refused } from "./api.js";
import { randomName } from "./kept.js";
import { alsoWords } from "./language.js";
import { change } from "./organise-changing.js";
import { registrationsOf } from "./organise-cancelling.js";
import { mayChange, organise } from "./organiser.js";
import { announce, area, button, choice, field, form, html, loading, nothing, t, update } from "./page.js";
import { moment } from "./times.js";

await alsoWords("organise-messages");

// Who is reached, as registration has it: whose place is only held gets no free text.
const REACHED = {
  holders: ["confirmed", "offered", "checked_in"],
  waiting: ["waitlisted"],
  all: ["confirmed", "offered", "checked_in", "waitlisted"],
};
const CHANNELS = { both: ["inbox", "email"], inbox: ["inbox"] };
const PAGE = 20;
const FOLLOWED_SECONDS = 2;
const FOLLOWED_TIMES_MAX = 150;
let activity = null;
let session = null;
let messages = null;
let after = null;
// What was written, and how many would get it, while it is looked at before it is sent.
let draft = null;
let looking = false;
let reached = 0;
let key = randomName();
let following = false;

export async function loadMessages(ofActivity, of) {
  if (of.session_id !== session?.session_id) [draft, looking, key] = [null, false, randomName()];
  [activity, session] = [ofActivity, of];
  await read(null, []);
  follow();
}

async function read(from, before) {
  const page = await organise("registration", `${path()}?${new URLSearchParams({ limit: PAGE, ...(from ? { after: from } : {}) })}`);
  messages = [...before, ...page.messages];
  after = page.after;
}

function path() {
  return `/sessions/${encodeURIComponent(session.session_id)}/messages`;
}

/** As long as one is under way: the numbers of those told go up before the organiser's eyes. */
async function follow() {
  if (following) return;
  following = true;
  for (let times = 0; times < FOLLOWED_TIMES_MAX && messages.some((one) => !one.finished); times++) {
    await new Promise((resolve) => setTimeout(resolve, FOLLOWED_SECONDS * 1000));
    const fresh = await organise("registration", `${path()}?limit=${PAGE}`).catch(() => null);
    for (const one of fresh?.messages ?? []) Object.assign(messages.find((other) => other.message_id === one.message_id) ?? {}, one);
    update();
  }
  following = false;
}

export function writing() {
  if (!messages) return loading();
  return html`
    ${mayChange() ? (looking ? preview() : written()) : nothing}
    ${messages.length ? html`<h3>${t("write.sent")}</h3><ul class="cards">${messages.map(message)}</ul>` : html`<p>${t("write.none")}</p>`}
    ${after ? button(t("write.more"), () => read(after, messages)) : nothing}
  `;
}

function message(one) {
  const share = one.finished ? t("write.told", { n: one.told }) : t("write.telling", { n: one.told });
  return html`<li class="card" data-message=${one.message_id}>
    <details>
      <summary><strong>${one.subject}</strong> <small>${moment(one.created_at)}</small></summary>
      <p class="text">${one.body}</p>
    </details>
    <p>${t(`write-to.${one.to}`)} · <strong class=${one.finished ? "good" : "fair"}>${share}</strong></p>
  </li>`;
}

function written() {
  return form(
    html`
      ${field("subject", t("write.subject"), { value: draft?.subject ?? "", required: true, maxlength: 200 })}
      ${area("message", t("write.body"), { value: draft?.body ?? "", required: true, maxlength: 2000, hint: t("write.body-hint") })}
      ${choice("to", t("write.to"), Object.keys(REACHED).map((one) => [one, t(`write-to.${one}`)]), { value: draft?.to ?? "holders" })}
      ${choice("by", t("write.by"), Object.keys(CHANNELS).map((one) => [one, t(`write-by.${one}`)]), { value: draft?.by ?? "both" })}
    `,
    t("write.look"),
    look,
    { names: { body: "message" } },
  );
}

async function look({ subject, message, to, by }) {
  draft = { subject: subject.trim(), body: message.trim(), to, by };
  const { sessions } = await organise("registration", `/activities/${encodeURIComponent(activity.activity_id)}/statistics`);
  reached = registrationsOf(sessions.find((one) => one.session_id === session.session_id), REACHED[to]);
  looking = true;
}

function preview() {
  return html`<section class="inset next" tabindex="-1" aria-label=${t("write.preview")}>
    <h3>${t("write.preview")}</h3>
    <p>${t("write.in-inbox")}</p>
    <div class="card"><p><strong>${draft.subject}</strong></p><p class="text">${draft.body}</p></div>
    ${draft.by === "both" ? html`<p>${t("write.in-mail")}</p><div class="card"><p><strong>${draft.subject}</strong></p><p class="text">${t("write.mail", { body: draft.body })}</p></div>` : nothing}
    <p><strong>${t("write.reached", { n: reached })}</strong> ${t(`write-to.${draft.to}`)}</p>
    <p>${t("write.for-good")}</p>
    <div class="row">
      ${button(t("write.send", { n: reached }), send, { kind: "main", disabled: !reached })}
      ${button(t("write.go-back"), async () => (looking = false))}
    </div>
  </section>`;
}

async function send() {
  const { subject, body, to, by } = draft;
  try {
    const sent = await change("registration", path(), { method: "POST", body: { subject, body, to, channels: CHANNELS[by] }, headers: { "idempotency-key": key } });
    messages = [sent, ...messages.filter((one) => one.message_id !== sent.message_id)];
  } catch (error) {
    // Certainly nothing was sent: what is sent next is another message. Otherwise it is this one again.
    if (error instanceof Refused && error.status < 500 && error.status !== 429) key = randomName();
    throw error;
  }
  key = randomName();
  draft = null;
  looking = false;
  announce(t("write.is-sent"));
  follow();
}
