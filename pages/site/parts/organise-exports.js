// Files of a contest: all standings, and those of a division.
import { path, quizId } from "./organise-quiz.js";
import { download, organise, organiseAll } from "./organiser.js";
import { button, choice, html, nothing, t } from "./page.js";
import { named } from "./language.js";

const KINDS = ["district", "audience", "group"];
// As long as a file of 100,000 rows takes.
const FILE_SECONDS_MAX = 120;
let kind = "";
let divisions = null;

export function exports() {
  return html`
    <p>${button(t("exports.standings"), () => file(`${path}/standings/export`, `standings-${quizId}.csv`))}</p>
    ${choice("export-kind", t("exports.divisions"), [["", t("exports.choose")], ...KINDS.map((one) => [one, t(`standings.by-${one}`)])], { value: kind, changed: switchKind })}
    ${divisions ? list() : nothing}
  `;
}

function list() {
  if (!divisions.length) return html`<p>${t("standings.none")}</p>`;
  return html`<ul>${divisions.map((one) => {
    const name = kind === "audience" ? named("audience", one.name) : one.name;
    return html`<li>${name} · ${t("exports.people", { n: one.people })}
      ${button(t("exports.file"), () => file(`${path}/divisions/${kind}/standings/export?name=${encodeURIComponent(one.name)}`, `${quizId}-${kind}.csv`), { name: t("exports.file-of", { name }) })}</li>`;
  })}</ul>`;
}

async function switchKind(value) {
  kind = value;
  divisions = kind ? await organiseAll("quiz", `${path}/divisions/${kind}`, "divisions") : null;
}

async function file(from, name) {
  download(await organise("quiz", from, { as: "blob", seconds: FILE_SECONDS_MAX }), name);
}
