// The public notice of a scheme: who is proposed and why, publishing it, objections, confirming it.
import { alsoWords } from "./language.js";
import { asksFirst, change } from "./organise-changing.js";
import { progress, until } from "./organise-waiting.js";
import { objectionsSection, openOf } from "./organise-objections.js";
import { who } from "./organise-recipients.js";
import { noticeLength } from "./organise-scheme-form.js";
import { mayChange, organise, organiseAll } from "./organiser.js";
import { announce, button, html, nothing, t, update } from "./page.js";
import { moment } from "./times.js";

await alsoWords("organise-scheme");

const PAGE = 50;
// So many are counted before a notice is published.
const COUNTED_MAX = 5000;
const OBJECTIONS_MAX = 1000;
let notice = null;
let proposals = [];
let after = null;
let underWay = false;
let objections = [];
let counted = 0;
let watching = false;

/** Read what is proposed, what is published, and what was objected. `moved` is called once work in the background is done. */
export async function loadNotice(scheme, moved) {
  if (scheme.issue.type !== "after_notice" || scheme.draft) return;
  const path = pathOf(scheme);
  const [published, page, made] = await Promise.all([
    readNotice(path),
    organise("awards", `${path}/proposals?limit=${PAGE}`),
    mayChange() ? organiseAll("awards", `${path}/objections`, "objections", OBJECTIONS_MAX) : [],
  ]);
  notice = published;
  proposals = page.proposals;
  after = page.after;
  underWay = page.under_way;
  objections = made;
  if (isMoving() && !watching) watch(scheme, moved);
}

/** The notice as it is published; null: it is not. */
async function readNotice(path) {
  try {
    return await organise("awards", `${path}/notice?limit=1`);
  } catch (error) {
    if (error.code === "notice_unknown") return null;
    throw error;
  }
}

function pathOf(scheme) {
  return `/schemes/${encodeURIComponent(scheme.scheme_id)}`;
}

/** Who is due is being found, or awards are being issued. */
function isMoving() {
  return underWay || notice?.status === "confirmed";
}

function watch(scheme, moved) {
  watching = true;
  until(() => !isMoving(), () => loadNotice(scheme, moved))
    .then(moved)
    .then(update)
    .finally(() => (watching = false));
}

export function noticeOf(scheme, reload) {
  const path = pathOf(scheme);
  return html`
    <section aria-labelledby="notice" data-notice=${notice?.status ?? "preparing"}>
      <h2 id="notice">${t("notice.title")}</h2>
      <p><strong>${t(`notice-status.${notice?.status ?? "preparing"}`)}</strong>
        ${notice ? t("notice.times", { from: moment(notice.published_at), until: moment(notice.ends_at), version: notice.version }) : t("notice.not-yet", { length: noticeLength(scheme.issue) })}</p>
      ${notice ? html`<p><a href="/notice?scheme=${encodeURIComponent(scheme.scheme_id)}">${t("notice.public")}</a></p>` : nothing}
      ${underWay ? progress(t("notice.finding")) : nothing}
      ${notice?.status === "confirmed" ? progress(t("notice.issuing")) : nothing}
      ${notice?.status === "running" || notice?.status === "ended" ? confirming(path, reload) : publishing(scheme, path, reload)}
    </section>
    <section aria-labelledby="proposals">
      <h2 id="proposals">${t("notice.proposed")}</h2>
      ${proposals.length ? table() : html`<p>${t("notice.nobody")}</p>`}
      ${after ? button(t("awards.more"), () => more(path)) : nothing}
    </section>
    ${notice && mayChange() ? objectionsSection(objections, path, { runs: notice.status === "running", reload }) : nothing}
  `;
}

function table() {
  return html`<div class="wide" tabindex="0" role="region" aria-label=${t("table.of", { what: t("notice.proposed") })}>
    <table>
      <thead><tr><th scope="col">${t("recipient.who")}</th><th scope="col">${t("recipient.tier")}</th><th scope="col">${t("notice.state")}</th><th scope="col">${t("notice.why")}</th></tr></thead>
      <tbody>${proposals.map(row)}</tbody>
    </table>
  </div>`;
}

function row(one) {
  const state = one.issued ? "issued" : one.status;
  return html`<tr>
    <td>${who(one.recipient_id)}</td>
    <td>${one.tier ?? "–"}</td>
    <td class=${one.status === "withdrawn" ? "bad" : ""}>${t(`proposal.${state}`)}${one.code ? html`<br><small>${t(`withdrawn.${one.code}`)}</small>` : nothing}</td>
    <td><small>${t("notice.cause")} <code>${one.cause}</code></small>${one.note ? html`<br>${one.note}` : nothing}</td>
  </tr>`;
}

async function more(path) {
  const page = await organise("awards", `${path}/proposals?limit=${PAGE}&after=${encodeURIComponent(after)}`);
  proposals = [...proposals, ...page.proposals];
  after = page.after;
}

async function count(path) {
  const found = await organiseAll("awards", `${path}/proposals`, "proposals", COUNTED_MAX);
  counted = found.filter((one) => one.status === "proposed" && !one.issued).length;
}

function publishing(scheme, path, reload) {
  const isDue = proposals.some((one) => one.status === "proposed" && !one.issued);
  if (isMoving() || !(isDue || after)) return nothing;
  return asksFirst("publish", t("notice.publish"), {
    before: () => count(path),
    about: () => html`<p><strong>${t("notice.publish-sure", { n: counted, length: noticeLength(scheme.issue) })}</strong></p>`,
    go: t("notice.publish-now"),
    kind: "main",
    work: async () => {
      await change("awards", `${path}/notice`, { method: "POST" });
      await reload();
      announce(t("notice.published"));
    },
  });
}

function confirming(path, reload) {
  const open = openOf(objections);
  if (notice.status === "running") return html`<p>${t("notice.wait", { until: moment(notice.ends_at) })}</p> ${button(t("notice.look"), reload)}`;
  if (open) return html`<p class="fair">${t("notice.open", { n: open })}</p>`;
  return asksFirst("confirm", t("notice.confirm"), {
    before: () => count(path),
    about: () => html`<p><strong>${t("notice.confirm-sure", { n: counted, version: notice.version })}</strong></p>`,
    go: t("notice.confirm-now"),
    kind: "main",
    work: async () => {
      await change("awards", `${path}/notice/confirm`, { method: "POST", body: { version: notice.version } });
      await reload();
      announce(t("notice.confirmed"));
    },
  });
}
