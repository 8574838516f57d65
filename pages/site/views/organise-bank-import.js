// Questions from a file: a preview with each problem by its line, and then the import, all or nothing.
import { asksFirst, change, consequences } from "../parts/organise-changing.js";
import { fileField } from "../parts/organise-fields.js";
import { progress } from "../parts/organise-waiting.js";
import { DIFFICULTIES, FORMATS, nameOf, noKey, questionShown } from "../parts/organise-bank.js";
import { download, mayChange, organise, showToOrganisers } from "../parts/organiser.js";
import { announce, button, choice, field, form, html, loading, nothing, t, update } from "../parts/page.js";
import { moment } from "../parts/times.js";

const ACCEPTED = ".xlsx,.csv,.txt,.gift,.xml,.zip";
// Two thousand questions are read and checked.
const FILE_SECONDS_MAX = 60;
const asked = new URLSearchParams(location.search).get("import");
const FIELDS = ["question_id", "topic", "kind", "difficulty", "text", "options", "key", "explanation", "source"];
// As many of its questions at once.
const PAGE = 20;
let preview = null;
let questions = [];
let after = null;
let format = "xlsx";
let isReading = false;
let ready = false;

await showToOrganisers(() => t("import.title"), body, async () => {
  if (!mayChange()) return;
  ready = true;
  if (!asked) return;
  preview = await organise("quiz", `/bank/imports/${encodeURIComponent(asked)}`);
  await readMore();
});

function body() {
  if (!mayChange()) return noKey();
  if (!ready) return loading();
  return html`
    <p><a href="/organise-bank">${t("bank.back")}</a></p>
    ${preview ? previewed() : upload()}
  `;
}

function upload() {
  return html`
    <p>${t("import.explained")}</p>
    ${form(html`
      ${choice("format", t("bank.format"), FORMATS.map((one) => [one, t(`format.${one}`)]), { value: format, changed: (value) => (format = value) })}
      ${fileField("file", t("import.file"), ACCEPTED, { hint: t("import.file-hint") })}
      <details>
        <summary>${t("import.defaults")}</summary>
        ${field("topic", t("bank.topic"), { maxlength: 200, hint: t("import.topic-hint") })}
        ${choice("difficulty", t("bank.difficulty"), DIFFICULTIES.map((one) => [one, t(`difficulty.${one}`)]), { value: "medium" })}
        ${field("source", t("bank.source"), { maxlength: 200 })}
      </details>`, t("import.preview"), send)}
    ${isReading ? progress(t("import.reading")) : nothing}
    <h2>${t("import.template")}</h2>
    <p>${t("import.template-hint")}</p>
    <p>${button(t("import.template-now", { format: t(`format.${format}`) }), async () =>
      download(await organise("quiz", `/bank/template?format=${format}`, { as: "blob" }), nameOf("template", format)))}</p>
  `;
}

async function send({ file, topic, difficulty, source }) {
  const said = Object.entries({ topic: topic.trim(), difficulty, source: source.trim() }).filter(([, value]) => value);
  const query = new URLSearchParams({ format, ...Object.fromEntries(said) });
  isReading = true;
  update();
  try {
    preview = await organise("quiz", `/bank/imports?${query}`, { method: "POST", body: file, seconds: FILE_SECONDS_MAX });
  } finally {
    isReading = false;
  }
  history.replaceState(null, "", `/organise-bank-import?import=${encodeURIComponent(preview.import_id)}`);
  await readMore();
  announce(t("import.previewed", { n: preview.added + preview.changed, bad: preview.bad }));
}

/** Read the questions that follow those that are shown: an organiser sees whether the file was understood. */
async function readMore() {
  const place = after ? `&after=${encodeURIComponent(after)}` : "";
  const page = await organise("quiz", `/bank/imports/${encodeURIComponent(preview.import_id)}/questions?limit=${PAGE}${place}`);
  questions = [...questions, ...page.questions];
  after = page.after;
}

function forgetQuestions() {
  questions = [];
  after = null;
}

function previewed() {
  const good = preview.added + preview.changed;
  return html`<section class="card next" tabindex="-1" aria-labelledby="preview" data-status=${preview.status}>
    <h2 id="preview">${t(preview.status === "imported" ? "import.done" : "import.would")}</h2>
    <dl>
      <dt>${t("import.added")}</dt><dd><strong>${preview.added}</strong></dd>
      <dt>${t("import.changed")}</dt><dd>${preview.changed}</dd>
      <dt>${t("import.unchanged")}</dt><dd>${preview.unchanged}</dd>
      <dt>${t("import.bad")}</dt><dd class=${preview.bad ? "bad" : ""}>${preview.bad}</dd>
    </dl>
    ${Object.entries(preview.left_out).map(([what, n]) => html`<p class="fair">${t(`left-out.${what}`, { n })}</p>`)}
    ${preview.status === "imported" ? done() : deciding(good)}
  </section>
  ${preview.problems.length ? problems() : nothing}
  ${questions.length ? asRead() : nothing}`;
}

function asRead() {
  return html`<h2>${t("import.as-read")}</h2>
    <p>${t("import.as-read-hint", { n: questions.length, of: preview.added + preview.changed })}</p>
    ${questions.map(({ line, part, is_new, question }, n) => html`<section class="card" aria-labelledby="read-${n}" data-line=${line}>
      <h3 class="text" id="read-${n}">${question.text}</h3>
      ${questionShown(question, html`${part ? `${part} · ` : nothing}${t("import.of-line", { line })} · <strong>${t(is_new ? "import.is-new" : "import.is-change")}</strong>`)}
      ${question.source ? html`<p class="quiet">${question.source}</p>` : nothing}
    </section>`)}
    ${after ? html`<p>${button(t("import.more"), readMore)}</p>` : nothing}`;
}

function done() {
  return html`<p>${t("import.then")}</p>
    <div class="row"><a class="button main" href="/organise-bank?status=draft">${t("import.to-drafts")}</a> ${button(t("import.another"), async () => another())}</div>`;
}

function deciding(good) {
  return html`
    <p>${good ? t("import.until", { at: moment(preview.expires_at) }) : t("import.nothing")}</p>
    ${good && !preview.bad ? html`<p>${button(t("import.confirm", { n: good }), () => confirm(false), { kind: "main" })}</p>` : nothing}
    ${good && preview.bad ? asksFirst("skip", t("import.skip", { n: good }), {
      about: () => consequences(t("import.skip-sure"), [t("import.skip-what", { n: good, bad: preview.bad })]),
      go: t("import.confirm", { n: good }),
      kind: "main",
      work: () => confirm(true),
    }) : nothing}
    <p>${button(t("import.discard"), discard)}</p>
  `;
}

async function confirm(skip) {
  preview = await change("quiz", `/bank/imports/${encodeURIComponent(preview.import_id)}/confirmation`, {
    method: "POST",
    body: { skip_problems: skip },
    seconds: FILE_SECONDS_MAX,
  });
  forgetQuestions();
  announce(t("import.imported", { n: preview.added + preview.changed }));
}

async function discard() {
  await change("quiz", `/bank/imports/${encodeURIComponent(preview.import_id)}`, { method: "DELETE" });
  another();
}

function another() {
  preview = null;
  forgetQuestions();
  history.replaceState(null, "", "/organise-bank-import");
}

/** The name of a column as in the template; an option has its letter. */
function columnOf(name) {
  return FIELDS.includes(name) ? t(`import.field-${name}`) : name;
}

function problems() {
  return html`<h2>${t("import.problems", { n: preview.problems_count })}</h2>
    <p>${t("import.problems-hint")}</p>
    <div class="wide" tabindex="0" role="region" aria-label=${t("import.problems", { n: preview.problems_count })}>
      <table>
        <thead><tr><th scope="col">${t("import.line")}</th><th scope="col">${t("import.problem")}</th></tr></thead>
        <tbody>${preview.problems.map((one) => html`<tr><td>${one.part ? html`${one.part}<br>` : nothing}${one.line}</td><td>${one.message}${one.field ? html` <small class="quiet">(${columnOf(one.field)})</small>` : nothing}</td></tr>`)}</tbody>
      </table>
    </div>`;
}
