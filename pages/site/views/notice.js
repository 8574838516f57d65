// A public notice: who is proposed for an award, and objecting. Of a scheme (?scheme=) or of a selection (?selection=).
import { account } from "../parts/account.js";
import { all, ask } from "../parts/api.js";
import { groupNames } from "../parts/group-names.js";
import { alsoWords, named } from "../parts/language.js";
import { announce, area, attempt, button, form, html, loading, nothing, show, signInFirst, t, update } from "../parts/page.js";
import { moment } from "../parts/times.js";

await alsoWords("notice");

const ENTRIES_MAX = 5000;
const SCHEMES_MAX = 500;
const asked = new URLSearchParams(location.search);
const of = asked.get("selection") ? "selections" : "schemes";
const id = asked.get("selection") ?? asked.get("scheme");
const path = `/${of}/${encodeURIComponent(id ?? "")}`;
// {title, status, until, entries: [{recipient_id, says, gone}]}
let notice = null;
// All notices that are public, where none was asked for.
let others = null;
let groups = new Map();
let against = null;
let isMissing = false;

show(() => notice?.title ?? t("public-notice.title"), body);
if (!(await attempt(load))) {
  isMissing = true;
  update();
}

async function load() {
  if (!id) {
    const schemes = (await all("awards", "/schemes", "schemes", SCHEMES_MAX, { token: null })).filter((one) => one.issue.type === "after_notice");
    const statuses = await Promise.all(schemes.map((one) => ask("awards", `/schemes/${one.scheme_id}/status`, { token: null })));
    others = schemes.filter((_, place) => ["published", "final"].includes(statuses[place].status));
    return;
  }
  [notice, groups] = await Promise.all([of === "schemes" ? ofScheme() : ofSelection(), groupNames()]);
}

async function ofScheme() {
  const [first, entries] = await Promise.all([
    ask("awards", `${path}/notice?limit=1`, { token: null }),
    all("awards", `${path}/notice`, "entries", ENTRIES_MAX, { token: null }),
  ]);
  return {
    title: first.scheme_title,
    status: first.status,
    until: first.ends_at,
    entries: entries.map((one) => ({
      recipient_id: one.recipient_id,
      says: one.status === "withdrawn" ? t("public-notice.withdrawn", { why: named("public-why", one.code) }) : (one.tier ?? ""),
      gone: one.status === "withdrawn",
    })),
  };
}

async function ofSelection() {
  const [{ selection }, found] = await Promise.all([ask("awards", path, { token: null }), ask("awards", `${path}/candidates`, { token: null })]);
  return {
    title: selection.title,
    status: found.phase === "notice" ? "running" : found.phase === "deciding" ? "ended" : "final",
    until: found.notice_until,
    entries: found.candidates.map((one) => ({
      recipient_id: one.participant_id,
      says: found.winners?.includes(one.participant_id) ? t("public-notice.won") : t("public-notice.score", { rank: one.rank, score: one.score }),
      gone: false,
    })),
  };
}

function body() {
  if (others) return list();
  if (!notice) return isMissing ? html`<p><a href="/notice">${t("public-notice.others")}</a></p>` : loading();
  const runs = notice.status === "running" && Date.now() < Date.parse(notice.until);
  return html`
    <p data-status=${notice.status}><strong>${t(`public-notice.${runs || notice.status !== "running" ? notice.status : "ended"}`)}</strong> ${t("public-notice.until", { until: moment(notice.until) })}</p>
    <p>${t(runs ? "public-notice.explained" : "public-notice.explained-over")}</p>
    <ul class="cards">${notice.entries.map((one) => entry(one, runs))}</ul>
    <p><a href="/notice">${t("public-notice.others")}</a></p>
  `;
}

function list() {
  return html`
    <p>${t("public-notice.all")}</p>
    ${others.length
      ? html`<ul class="cards">${others.map((one) => html`<li class="card"><a href="/notice?scheme=${encodeURIComponent(one.scheme_id)}">${one.title}</a></li>`)}</ul>`
      : html`<p>${t("public-notice.none")}</p>`}
    <p><a href="/">${t("menu.programme")}</a></p>
  `;
}

function entry(one, runs) {
  const yours = one.recipient_id === account()?.participant_id;
  const name = groups.get(one.recipient_id) ?? one.recipient_id;
  return html`<li class="card ${yours ? "yours" : ""}" data-recipient=${one.recipient_id}>
    <h2>${name}${yours ? t("public-notice.you") : nothing}</h2>
    ${one.says ? html`<p class=${one.gone ? "bad" : ""}>${one.says}</p>` : nothing}
    ${!runs || one.gone || yours
      ? nothing
      : against === one.recipient_id
        ? objecting(one, name)
        : button(t("public-notice.object"), async () => (against = one.recipient_id), { name: `${t("public-notice.object")}: ${name}` })}
  </li>`;
}

function objecting(one, name) {
  if (!account()) return signInFirst(t("public-notice.sign-in"));
  return html`<section class="inset next" tabindex="-1" aria-label="${t("public-notice.object")}: ${name}">
    ${form(
      area("why", t("public-notice.why"), { required: true, rows: 5, maxlength: 4000, hint: t("public-notice.why-hint") }),
      t("public-notice.send"),
      ({ why }) => object(one, why),
    )}
    ${button(t("form.cancel"), async () => (against = null))}
  </section>`;
}

async function object(one, why) {
  const made = await ask("awards", `${path}/objections`, { method: "POST", body: { recipient_id: one.recipient_id, text: why }, again: true });
  against = null;
  announce(t(`public-notice.sent-${made.outcome ?? "open"}`));
}
