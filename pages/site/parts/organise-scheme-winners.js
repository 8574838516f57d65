// The winners of a scheme with names and addresses. Why they are needed is kept in the log of acts.
import { alsoWords } from "./language.js";
import { change } from "./organise-changing.js";
import { download, mayChange } from "./organiser.js";
import { announce, button, choice, field, form, html, nothing, t } from "./page.js";

await alsoWords("organise-scheme");

const PAGE = 50;
const WAYS = ["list", "xlsx", "csv"];
const FILE_SECONDS = 300;
let found = null;
let after = null;
let why = "";

export function winners(scheme) {
  if (!mayChange()) return nothing;
  return html`<section aria-labelledby="winners">
    <h2 id="winners">${t("winners.title")}</h2>
    <p>${t("winners.explained")}</p>
    ${form(
      html`${field("opening-reason", t("opening.reason"), { required: true, maxlength: 200, hint: t("opening.reason-hint") })}
      ${choice("way", t("winners.way"), WAYS.map((one) => [one, t(`winners-way.${one}`)]))}`,
      t("winners.open"),
      (fields) => open(scheme, fields),
      { kind: "plain" },
    )}
    ${found ? list(scheme) : nothing}
  </section>`;
}

async function open(scheme, fields) {
  why = fields["opening-reason"];
  if (fields.way === "list") {
    found = [];
    after = null;
    await more(scheme);
    announce(t("winners.opened", { n: found.length }));
    return;
  }
  const path = `/schemes/${encodeURIComponent(scheme.scheme_id)}/winners/export?format=${fields.way}`;
  download(await change("awards", path, { method: "POST", body: { reason: why }, as: "blob", seconds: FILE_SECONDS }), `winners-${scheme.scheme_id}.${fields.way}`);
  announce(t("winners.file"));
}

async function more(scheme) {
  const path = `/schemes/${encodeURIComponent(scheme.scheme_id)}/winners?limit=${PAGE}${after ? `&after=${encodeURIComponent(after)}` : ""}`;
  const page = await change("awards", path, { method: "POST", body: { reason: why } });
  found = [...found, ...page.winners];
  after = page.after;
}

function list(scheme) {
  return html`
    ${found.length ? table() : html`<p>${t("winners.none")}</p>`}
    <div class="row">
      ${after ? button(t("awards.more"), () => more(scheme)) : nothing}
      ${button(t("winners.close"), async () => (found = null))}
    </div>
  `;
}

function table() {
  return html`<div class="wide" tabindex="0" role="region" aria-label=${t("table.of", { what: t("winners.title") })}>
    <table>
      <thead><tr><th scope="col">${t("winners.name")}</th><th scope="col">${t("recipient.tier")}</th><th scope="col">${t("winners.unit")}</th><th scope="col">${t("winners.address")}</th><th scope="col">${t("verify.code")}</th></tr></thead>
      <tbody>${found.map(row)}</tbody>
    </table>
  </div>`;
}

function row(one) {
  const at = one.address;
  return html`<tr>
    <td>${one.name ?? t("winners.no-name")}</td>
    <td>${one.tier ?? "–"}</td>
    <td>${[one.unit, one.district].filter(Boolean).join(" · ") || "–"}</td>
    <td>${at ? `${at.recipient} ${at.phone} ${at.region} ${at.street} ${at.postal_code ?? ""}` : "–"}</td>
    <td><code>${one.award_code}</code></td>
  </tr>`;
}
