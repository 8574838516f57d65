// One question of the bank: a new one, or other words of one (?id=). A change is a draft that somebody else reviews.
import { Refused } from "../parts/api.js";
import { DIFFICULTIES, KINDS, noKey } from "../parts/organise-bank.js";
import { change, conflicted } from "../parts/organise-changing.js";
import { tick } from "../parts/organise-fields.js";
import { mayChange, organise, showToOrganisers } from "../parts/organiser.js";
import { announce, area, button, choice, field, form, html, loading, nothing, proposals, t } from "../parts/page.js";

const LETTERS = "ABCDEFGH";
let id = new URLSearchParams(location.search).get("id") ?? "";
let tag = null;
let entry = null;
let question = null;
let topics = [];

await showToOrganisers(() => t(id ? "bank.edit" : "bank.new"), body, async () => {
  if (!mayChange()) return;
  topics = (await organise("quiz", "/bank/topics")).topics.map((one) => one.topic);
  if (id) await read();
  else question = { topic: "", kind: "single", difficulty: "medium", text: "", options: ["", "", "", ""], key: "A", explanation: "", source: "" };
});

async function read() {
  ({ content: entry, tag } = await organise("quiz", `/bank/questions/${encodeURIComponent(id)}`, { as: "tagged" }));
  question = { ...entry.question, options: entry.question.options.map((one) => one.text) };
}

function body() {
  if (!mayChange()) return noKey();
  if (!question) return loading();
  return html`
    <p><a href="/organise-bank">${t("bank.back")}</a>${entry ? html` · <a href="/organise-bank-question">${t("bank.new")}</a>` : nothing}</p>
    ${entry ? conflicted(async () => location.reload()) : nothing}
    ${entry ? html`<p>${t(`entry.${entry.status}`)} · ${t("bank.version", { n: entry.version })}</p>` : nothing}
    <p>${t(entry ? "bank.edit-hint" : "bank.new-hint")}</p>
    ${form(html`
      ${field("topic", t("bank.topic"), { value: question.topic, required: true, maxlength: 200, list: "topics" })}
      ${proposals("topics", topics)}
      ${choice("kind", t("bank.kind"), KINDS.map((one) => [one, t(`paper.kind-${one}`)]), { value: question.kind, changed: switchKind })}
      ${choice("difficulty", t("bank.difficulty"), DIFFICULTIES.map((one) => [one, t(`difficulty.${one}`)]), { value: question.difficulty })}
      ${area("text", t("bank.text"), { value: question.text, required: true, maxlength: 1000 })}
      <fieldset>
        <legend>${t("bank.options")}</legend>
        <p>${t(question.kind === "multiple" ? "bank.options-several" : "bank.options-one")}</p>
        ${question.options.map(option)}
        <div class="row">
          ${question.kind !== "true_false" && question.options.length < LETTERS.length ? button(t("bank.option-more"), async () => question.options.push("")) : nothing}
          ${question.options.length > 2 ? button(t("bank.option-less"), async () => drop()) : nothing}
        </div>
      </fieldset>
      ${area("explanation", t("bank.explanation"), { value: question.explanation, maxlength: 2000, hint: t("bank.explanation-hint") })}
      ${field("source", t("bank.source"), { value: question.source, maxlength: 500 })}`, t("bank.save"), save)}
  `;
}

function option(text, n) {
  const letter = LETTERS[n];
  const set = (is) => (question.key = [...new Set(question.kind === "multiple" ? question.key : ""), letter].filter((one) => is || one !== letter).sort().join(""));
  return html`<div @input=${(event) => event.target.id === `option-${n}` && (question.options[n] = event.target.value)}>
    ${field(`option-${n}`, t("bank.option", { letter }), { value: text, required: true, maxlength: 200 })}
    ${question.kind === "multiple"
      ? tick("right", t("bank.is-right", { letter }), { checked: question.key.includes(letter), changed: set })
      : html`<p><label class="check"><input type="radio" name="right" .checked=${question.key === letter} @change=${() => set(true)}> <span>${t("bank.is-right", { letter })}</span></label></p>`}
  </div>`;
}

function drop() {
  question.options.pop();
  question.key = question.key.replace(LETTERS[question.options.length], "");
}

async function switchKind(kind) {
  question.kind = kind;
  if (kind !== "multiple") question.key = question.key.slice(0, 1);
  if (kind === "true_false") question.options = [t("bank.true"), t("bank.false")];
  if (kind === "true_false" && question.key > "B") question.key = "A";
}

async function save(fields) {
  if (!question.key) throw new Refused(422, { detail: t("bank.no-right") });
  const name = id || crypto.randomUUID();
  const content = {
    id: name,
    topic: fields.topic.trim(),
    kind: fields.kind,
    difficulty: fields.difficulty,
    text: fields.text.trim(),
    options: question.options.map((text, n) => ({ id: LETTERS[n], text: text.trim() })),
    key: question.key,
    explanation: fields.explanation.trim(),
    source: fields.source.trim(),
  };
  ({ content: entry, tag } = await change("quiz", `/bank/questions/${name}`, { method: "PUT", body: content, tag, isNew: !id, as: "tagged" }));
  id = name;
  history.replaceState(null, "", `/organise-bank-question?id=${encodeURIComponent(id)}`);
  announce(t("bank.saved"));
}
