// What organisers did, of all services together, the latest first.
import { alsoWords, named } from "../parts/language.js";
import { organise, showToOrganisers } from "../parts/organiser.js";
import { button, field, form, html, loading, nothing, t } from "../parts/page.js";
import { moment } from "../parts/times.js";

await alsoWords("organise-acts");

const SERVICES = ["registration", "quiz", "awards", "notifications"];
const PAGE = 50;
let who = "";
// By service: its acts so far, and where its next page begins; null: there is none.
let lists = null;

await showToOrganisers(() => t("organise.acts"), body, load);

async function load() {
  lists = await Promise.all(SERVICES.map((service) => next({ service, acts: [], after: "" })));
}

async function next(list) {
  if (list.after === null) return list;
  const asked = new URLSearchParams({ limit: PAGE, ...(who ? { who } : {}), ...(list.after ? { after: list.after } : {}) });
  const page = await organise(list.service, `/acts?${asked}`);
  return { ...list, acts: [...list.acts, ...page.acts.map((one) => ({ ...one, service: list.service }))], after: page.after };
}

function body() {
  if (!lists) return loading();
  const acts = shown();
  return html`
    <p>${t("acts.explained")}</p>
    ${form(field("who", t("acts.who"), { value: who, maxlength: 40 }), t("acts.filter"), filter, { kind: "plain" })}
    ${acts.length ? table(acts) : html`<p>${t("acts.none")}</p>`}
    ${lists.some((one) => one.after) ? button(t("acts.more"), async () => (lists = await Promise.all(lists.map(next)))) : nothing}
  `;
}

/** No older act than the newest that a service may still have: else later pages would add between the rows. */
function shown() {
  const known = lists.filter((one) => one.after).map((one) => one.acts.at(-1).at);
  const from = known.sort().at(-1) ?? "";
  return lists.flatMap((one) => one.acts).filter((one) => one.at >= from).sort((one, other) => (one.at < other.at ? 1 : -1));
}

async function filter(fields) {
  who = fields.who.trim();
  await load();
}

function table(acts) {
  return html`<div class="wide" tabindex="0" role="region" aria-label=${t("organise.acts")}>
    <table>
      <thead><tr><th scope="col">${t("acts.at")}</th><th scope="col">${t("acts.by")}</th><th scope="col">${t("acts.what")}</th><th scope="col">${t("acts.outcome")}</th></tr></thead>
      <tbody>${acts.map(row)}</tbody>
    </table>
  </div>`;
}

/** What was done to what, by the fixed parts of the route: the first names the thing, the last the act. */
function inWords({ method, route }) {
  const fixed = route.split("/").filter((part) => part && !part.startsWith("{"));
  return t("acts.words", { of: named("act-of", fixed[0]), did: named("act-did", fixed.length > 1 && method !== "DELETE" ? fixed.at(-1) : method) });
}

function row(act) {
  const went = act.status === null ? t("acts.unknown") : act.status < 400 ? t("acts.done") : t("acts.refused", { code: act.code ?? act.status });
  const ids = Object.values(act.ids).join(" · ");
  return html`<tr>
    <td>${moment(act.at)}</td>
    <td>${act.who}<br><small>${t(`role.${act.role}`)}</small></td>
    <td>${inWords(act)}${ids ? html`<br><small>${ids}</small>` : nothing}<br><small><code>${act.method} /${act.service}${act.route}</code></small></td>
    <td class=${act.status !== null && act.status < 400 ? "good" : "bad"}>${went}</td>
  </tr>`;
}
