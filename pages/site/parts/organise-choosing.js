// Choosing questions of a contest from the bank: topic by topic, and how many of each a paper gets.
import { numberField } from "./organise-fields.js";
import { organise, organiseAll } from "./organiser.js";
import { button, html, nothing, t } from "./page.js";

const READ_MAX = 1000;
let topics = [];
// Of the topic that is open: the entries of the bank, and the ids that are chosen.
let open = null;

/** How many reviewed questions the bank has of each topic. */
export async function readTopics() {
  const counted = new Map();
  for (const one of (await organise("quiz", "/bank/topics")).topics)
    if (one.status === "reviewed") counted.set(one.topic, (counted.get(one.topic) ?? 0) + one.count);
  topics = [...counted].sort(([one], [other]) => one.localeCompare(other));
}

/** A new contest cannot be saved without questions: told before anything is typed. */
export function emptyBank() {
  return topics.length ? nothing : html`<p class="fair">${t("drafting.empty-bank")} <a href="/organise-bank">${t("drafting.to-bank")}</a></p>`;
}

/** `changed` is called when the pool has changed. */
export function choosing(pool, changed) {
  return html`
    <h2>${t("drafting.questions")}</h2>
    <p>${t("drafting.questions-hint")}</p>
    ${pool.lines.length ? html`<ul class="cards">${pool.lines.map((line, n) => lineOf(pool, line, n, changed))}</ul>
      <p><strong>${t("drafting.on-paper", { n: pool.onPaper, of: pool.questions.length })}</strong></p>` : html`<p>${t("drafting.no-questions")}</p>`}
    <h3>${t("drafting.from-bank")}</h3>
    ${topics.length ? html`<ul class="cards">${topics.map(([topic, count]) => topicOf(pool, topic, count, changed))}</ul>` : html`<p>${t("drafting.empty-bank")}</p>`}
    <p><a href="/organise-bank">${t("contests.bank")}</a></p>
  `;
}

function lineOf(pool, line, n, changed) {
  const found = pool.of(line);
  const name = [line.topic, line.difficulty && t(`difficulty.${line.difficulty}`), line.kind && t(`paper.kind-${line.kind}`)].filter(Boolean).join(" · ");
  const count = (value) => {
    line.count = value ?? 0;
    changed();
  };
  const dropped = (act) => async () => {
    act();
    changed();
  };
  return html`<li class="card">
    ${numberField(`line-${n}`, t("drafting.line", { topic: name, n: found.length }), { value: line.count, max: found.length, changed: count })}
    <details>
      <summary>${t("drafting.see", { n: found.length })}</summary>
      <ul>${found.map((one) => html`<li><span class="text">${one.text}</span> ${button(t("drafting.leave-out"), dropped(() => pool.remove(one.id)), { name: t("drafting.leave-out-of", { text: one.text }) })}</li>`)}</ul>
    </details>
    <p>${button(t("drafting.no-topic"), dropped(() => pool.removeLine(line)), { name: t("drafting.no-topic-of", { topic: name }) })}</p>
  </li>`;
}

function topicOf(pool, topic, count, changed) {
  const isOpen = open?.topic === topic;
  const inUse = pool.questions.filter((one) => one.topic === topic).length;
  return html`<li class="card">
    <h4>${topic}</h4>
    <p>${t("drafting.reviewed", { n: count })}${inUse ? html` · <strong>${t("drafting.in-use", { n: inUse })}</strong>` : nothing}</p>
    <div class="row">
      ${button(t("drafting.take-all"), async () => taken(pool, await reviewedOf(topic), changed), { name: t("drafting.take-all-of", { topic }) })}
      ${isOpen ? nothing : button(t("drafting.choose"), async () => (open = { topic, entries: await reviewedOf(topic), ids: new Set() }), { name: t("drafting.choose-of", { topic }) })}
    </div>
    ${isOpen ? chosenOf(pool, changed) : nothing}
  </li>`;
}

function chosenOf(pool, changed) {
  const has = new Set(pool.questions.map((one) => one.id));
  return html`<fieldset class="next" tabindex="-1">
    <legend>${t("drafting.choose-of", { topic: open.topic })}</legend>
    ${open.entries.map(({ question }) => html`<label class="option">
      <input type="checkbox" .checked=${open.ids.has(question.id)} @change=${(event) => (event.target.checked ? open.ids.add(question.id) : open.ids.delete(question.id))}>
      <span>${question.text} <small class="quiet">${t(`difficulty.${question.difficulty}`)}${has.has(question.id) ? ` · ${t("drafting.is-in")}` : nothing}</small></span>
    </label>`)}
    <div class="row">
      ${button(t("drafting.take"), async () => {
        await taken(pool, open.entries.filter(({ question }) => open.ids.has(question.id)), changed);
        open = null;
      })}
      ${button(t("form.cancel"), async () => (open = null))}
    </div>
  </fieldset>`;
}

function reviewedOf(topic) {
  return organiseAll("quiz", `/bank/questions?${new URLSearchParams({ topic, status: "reviewed" })}`, "questions", READ_MAX);
}

async function taken(pool, entries, changed) {
  if (!entries.length) return;
  // With their versions: a question that was changed since it was read here is refused.
  const versions = Object.fromEntries(entries.map((one) => [one.question.id, one.version]));
  pool.add((await organise("quiz", "/bank/quiz-questions", { method: "POST", body: { versions }, again: true })).questions);
  changed();
}
