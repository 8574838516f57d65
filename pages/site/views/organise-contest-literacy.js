// The literacy report of a contest: which share of the people reaches each tier, of all and of the groups.
import { alsoWords, named } from "../parts/language.js";
import { back, path, quizId } from "../parts/organise-quiz.js";
import { progress, until } from "../parts/organise-waiting.js";
import { download, organise, showToOrganisers } from "../parts/organiser.js";
import { button, choice, html, loading, nothing, t, update } from "../parts/page.js";
import { moment } from "../parts/times.js";

await alsoWords("organise-contest-marks");

const KINDS = ["audience", "district", "unit"];
let by = "audience";
let report = null;
let more = [];

await showToOrganisers(() => t("ways.literacy"), body, async () => {
  await read();
  follow();
});

async function read() {
  report = await organise("quiz", `${path}/literacy?by=${by}&limit=100`);
  more = [];
}

async function follow() {
  await until(() => !report.due, read);
  update();
}

function body() {
  if (!report) return loading();
  return html`
    ${back()}
    <p>${t("literacy.explained")}</p>
    <p class="fair">${t("literacy.private")}</p>
    ${report.counted_at ? html`<p>${t(report.final ? "literacy.final" : "literacy.counted", { at: moment(report.counted_at) })}</p>` : nothing}
    ${report.due ? progress(t("literacy.counting"), report.percent) : html`<div class="row">${button(t("literacy.again"), again)}${button(t("literacy.file"), file)}</div>`}
    ${report.all ? html`
      ${choice("by", t("standings.by"), KINDS.map((one) => [one, t(`literacy.by-${one}`)]), { value: by, changed: switchKind })}
      ${table()}
      ${report.after ? button(t("fairness.more"), next) : nothing}` : nothing}
  `;
}

function table() {
  const cells = [{ ...report.all, name: null }, ...report.cells, ...more];
  return html`<div class="wide" tabindex="0" role="region" aria-label=${t("ways.literacy")}>
    <table>
      <thead><tr><th scope="col">${t("literacy.who")}</th><th scope="col">${t("standings.people")}</th><th scope="col">${t("standings.mean")}</th>${report.measure.tiers.map((tier) => html`<th scope="col">${tier.name}</th>`)}</tr></thead>
      <tbody>${cells.map(row)}</tbody>
    </table>
  </div>`;
}

function row(cell) {
  const name = cell.name === null ? t("literacy.all") : by === "audience" ? named("audience", cell.name) : cell.name;
  const share = (one) => (one ? t("literacy.share", { percent: one.percent, low: one.low, high: one.high }) : "–");
  if (cell.hidden) return html`<tr><th scope="row">${name}</th><td colspan=${2 + report.measure.tiers.length}>${t("standings.few")}</td></tr>`;
  return html`<tr><th scope="row">${name}</th><td>${cell.people}</td><td>${share(cell.mean)}</td>
    ${cell.tiers.map((tier) => html`<td>${share(tier.share)}</td>`)}</tr>`;
}

async function switchKind(value) {
  by = value;
  await read();
}

async function next() {
  const page = await organise("quiz", `${path}/literacy?by=${by}&limit=100&after=${encodeURIComponent(report.after)}`);
  more = [...more, ...page.cells];
  report = { ...report, after: page.after };
}

async function again() {
  report = { ...report, ...(await organise("quiz", `${path}/literacy`, { method: "POST", again: true })) };
  follow();
}

async function file() {
  download(await organise("quiz", `${path}/literacy/export`, { as: "blob" }), `literacy-${quizId}.csv`);
}
