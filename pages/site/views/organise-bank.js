// The question bank: search, review what somebody else wrote, retire and restore, and take a file of it.
import { DIFFICULTIES, FORMATS, KINDS, nameOf, noKey, questionShown } from "../parts/organise-bank.js";
import { asksFirst, change, conflicted, consequences } from "../parts/organise-changing.js";
import { download, mayChange, organise, organiser, showToOrganisers } from "../parts/organiser.js";
import { announce, button, choice, field, form, html, loading, nothing, t } from "../parts/page.js";
import { moment } from "../parts/times.js";

const PAGE = 50;
const FILE_SECONDS_MAX = 60;
const STATUSES = ["draft", "reviewed", "retired"];
const address = new URLSearchParams(location.search);
let wanted = Object.fromEntries(["words", "topic", "difficulty", "status", "kind"].map((name) => [name, address.get(name) ?? ""]));
let topics = [];
let entries = null;
let after = null;

await showToOrganisers(() => t("bank.title"), body, async () => {
  if (!mayChange()) return;
  await Promise.all([search(), readTopics()]);
});

async function readTopics() {
  topics = (await organise("quiz", "/bank/topics")).topics;
}

function filter() {
  return Object.fromEntries(Object.entries(wanted).filter(([, value]) => value));
}

async function search() {
  ({ questions: entries, after } = await organise("quiz", `/bank/questions?${new URLSearchParams({ limit: PAGE, ...filter() })}`));
}

async function more() {
  const page = await organise("quiz", `/bank/questions?${new URLSearchParams({ limit: PAGE, ...filter(), after })}`);
  entries = [...entries, ...page.questions];
  after = page.after;
}

function body() {
  if (!mayChange()) return noKey();
  if (!entries) return loading();
  return html`
    <p><a href="/organise-contest">${t("bank.to-contests")}</a></p>
    <div class="row"><a class="button main" href="/organise-bank-import">${t("bank.import")}</a> <a class="button" href="/organise-bank-question">${t("bank.new")}</a></div>
    ${conflicted(search)}
    <p>${t("bank.counts", { draft: count("draft"), reviewed: count("reviewed"), retired: count("retired") })}</p>
    ${searching()}
    ${reviewAll()}
    ${entries.length ? entries.map(card) : html`<p>${t(topics.length ? "bank.none" : "bank.empty")}</p>`}
    ${after ? button(t("bank.more"), more) : nothing}
    <h2>${t("bank.export")}</h2>
    <p>${t("bank.export-hint")}</p>
    ${form(choice("format", t("bank.format"), FORMATS.map((one) => [one, t(`format.${one}`)]), { value: "xlsx" }), t("bank.export-now"), file, { kind: "plain" })}
  `;
}

function count(status) {
  return topics.filter((one) => one.status === status).reduce((sum, one) => sum + one.count, 0);
}

function searching() {
  const any = [["", t("programme.all")]];
  const names = [...new Set(topics.map((one) => one.topic))].sort();
  return form(html`<div class="filters">
      ${field("words", t("bank.words"), { value: wanted.words, type: "search", maxlength: 100 })}
      ${choice("topic", t("bank.topic"), [...any, ...names.map((one) => [one, one])], { value: wanted.topic })}
      ${choice("difficulty", t("bank.difficulty"), [...any, ...DIFFICULTIES.map((one) => [one, t(`difficulty.${one}`)])], { value: wanted.difficulty })}
      ${choice("status", t("bank.status"), [...any, ...STATUSES.map((one) => [one, t(`entry.${one}`)])], { value: wanted.status })}
      ${choice("kind", t("bank.kind"), [...any, ...KINDS.map((one) => [one, t(`paper.kind-${one}`)])], { value: wanted.kind })}
    </div>`, t("bank.search"), async (fields) => {
    wanted = { ...fields, words: fields.words.trim() };
    history.replaceState(null, "", `/organise-bank?${new URLSearchParams(filter())}`);
    await search();
    announce(t("bank.found", { n: entries.length }));
  });
}

function isMine(entry) {
  return entry.author === organiser()?.name;
}

function reviewAll() {
  const open = entries.filter((one) => one.status === "draft" && !isMine(one));
  if (!open.length) return entries.some((one) => one.status === "draft") ? html`<p class="fair">${t("bank.by-somebody-else")}</p>` : nothing;
  return asksFirst("review", t("bank.review-all", { n: open.length }), {
    about: () => consequences(t("bank.review-sure", { n: open.length }), [t("bank.review-what"), t("bank.review-who", { name: organiser().name })]),
    go: t("bank.review-now"),
    kind: "main",
    work: () => review(open),
  });
}

/** The versions that were read here: one that was changed since is not reviewed. */
async function review(some) {
  const versions = Object.fromEntries(some.map((one) => [one.question.id, one.version]));
  const { reviewed } = await change("quiz", "/bank/reviews", { method: "POST", body: { versions } });
  const ids = new Set(Object.keys(versions));
  entries = entries.map((one) => (ids.has(one.question.id) ? { ...one, status: "reviewed", reviewed_by: organiser().name } : one));
  announce(t("bank.reviewed", { n: reviewed }));
  await readTopics();
}

function card(entry) {
  const { question } = entry;
  const id = `question-${question.id}`;
  return html`<section class="card" aria-labelledby=${id} data-status=${entry.status}>
    <h2 class="text" id=${id}>${question.text}</h2>
    ${questionShown(question, html`<strong class=${entry.status === "reviewed" ? "good" : entry.status === "draft" ? "fair" : "quiet"}>${t(`entry.${entry.status}`)}</strong>`)}
    <p class="quiet">${t("bank.author", { name: entry.author, at: moment(entry.changed_at) })}${entry.reviewed_by ? ` ${t("bank.reviewer", { name: entry.reviewed_by })}` : nothing}${question.source ? ` · ${question.source}` : nothing}</p>
    <div class="row">
      ${entry.status === "draft" && !isMine(entry) ? button(t("bank.review"), () => review([entry]), { name: t("bank.review-of", { text: question.text }) }) : nothing}
      ${entry.status === "retired"
        ? button(t("bank.restore"), () => turn(entry, "restore"), { name: t("bank.restore-of", { text: question.text }) })
        : html`<a class="button" href="/organise-bank-question?id=${encodeURIComponent(question.id)}" aria-label=${t("bank.edit-of", { text: question.text })}>${t("bank.edit")}</a>
            ${button(t("bank.retire"), () => turn(entry, "retire"), { name: t("bank.retire-of", { text: question.text }) })}`}
    </div>
  </section>`;
}

async function turn(entry, act) {
  const now = await change("quiz", `/bank/questions/${encodeURIComponent(entry.question.id)}/${act}`, { method: "POST" });
  entries = entries.map((one) => (one === entry ? now : one));
  announce(t(act === "retire" ? "bank.retired" : "bank.restored"));
  await readTopics();
}

async function file({ format }) {
  const blob = await organise("quiz", `/bank/export?${new URLSearchParams({ format, ...filter() })}`, { as: "blob", seconds: FILE_SECONDS_MAX });
  download(blob, nameOf("questions", format));
}
