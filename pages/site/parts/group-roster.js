// A roster from a file: first a preview, then the import.
import { ask } from "./api.js";
import { announce, button, field, form, html, nothing, t, update } from "./page.js";

const XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const POLL_SECONDS = 1;
const RUNNING = new Set(["confirmed", "importing"]);
let found = null;

/** `read` reads the group anew. */
export function rosterSection(group, read) {
  return html`<section aria-labelledby="roster">
    <h2 id="roster">${t("roster.title")}</h2>
    <p>${t("roster.explained")}</p>
    ${form(field("file", t("roster.file"), { type: "file", required: true }), t("roster.preview"), ({ file }) => preview(group, file), { kind: "plain" })}
    ${found ? shown(group, read) : nothing}
  </section>`;
}

async function preview(group, file) {
  // Browsers do not agree about the kind of a CSV file.
  const kind = file.name.toLowerCase().endsWith(".xlsx") ? XLSX : "text/csv";
  found = await ask("registration", `${group.path}/roster-imports`, { method: "POST", body: file, headers: { "content-type": kind }, seconds: 60 });
}

function shown(group, read) {
  const { status, lines, bad_lines, added, changed, unchanged, ignored_columns, faults, faults_count, code } = found;
  return html`<div class="card next" tabindex="-1" role="status" data-status=${status}>
    <p><strong>${t(`roster.${status}`)}</strong>${status === "failed" ? html` <small>${t("trouble.code", { code })}</small>` : nothing}</p>
    <ul>
      <li>${t("roster.lines", { n: lines })}</li>
      <li>${t("roster.added", { n: added })}</li>
      <li>${t("roster.changed", { n: changed })}</li>
      <li>${t("roster.unchanged", { n: unchanged })}</li>
      ${bad_lines ? html`<li class="bad">${t("roster.bad", { n: bad_lines })}</li>` : nothing}
      ${ignored_columns.length ? html`<li>${t("roster.ignored", { names: ignored_columns.join(", ") })}</li>` : nothing}
    </ul>
    ${faults.length ? html`<details open><summary>${t("roster.faults", { n: faults_count })}</summary>
      <ul>${faults.map((one) => html`<li>${t("roster.fault", { line: one.line })} ${one.column ?? ""}: ${one.message}</li>`)}</ul></details>` : nothing}
    ${status === "previewed" ? html`<div class="row">
      ${lines > bad_lines ? button(t(bad_lines ? "roster.import-good" : "roster.import"), () => confirm(group, read), { kind: "main" }) : nothing}
      ${button(t("form.cancel"), async () => (found = null))}
    </div>` : nothing}
  </div>`;
}

async function confirm(group, read) {
  const path = `${group.path}/roster-imports/${found.import_id}`;
  found = await ask("registration", `${path}/confirmation`, { method: "POST", body: { skip_bad_lines: found.bad_lines > 0 }, again: true });
  while (RUNNING.has(found.status)) {
    update();
    await new Promise((resolve) => setTimeout(resolve, POLL_SECONDS * 1000));
    found = await ask("registration", path);
  }
  announce(t(`roster.${found.status}`));
  await read();
}
