// The standings: the first of all, one's own rank, and the divisions against each other.
import { account } from "../parts/account.js";
import { ask } from "../parts/api.js";
import { button, choice, html, keepFresh, loading, nothing, show, t } from "../parts/page.js";
import { spoken } from "../parts/spoken.js";
import { duration, moment } from "../parts/times.js";

const FRESH_SECONDS = 30;
const PAGE = 50;
const quizId = new URLSearchParams(location.search).get("quiz") ?? "";
const path = `/quizzes/${encodeURIComponent(quizId)}`;
let quiz = null;
let board = null;
let more = [];
let own = null;
let kind = "district";
let divisions = null;

show(() => t("standings.title"), body);
await keepFresh(async () => {
  if (!quiz || isWithheld()) quiz = await ask("quiz", path);
  // Before the close there is nothing to see yet, which is no trouble.
  if (isWithheld()) return;
  [board, own, divisions] = await Promise.all([
    ask("quiz", `${path}/standings?limit=${PAGE}`),
    account() ? ask("quiz", `${path}/standings/me`).catch(() => null) : null,
    ask("quiz", `${path}/divisions/${kind}?limit=50`).catch(() => null),
  ]);
}, FRESH_SECONDS);

function isWithheld() {
  return quiz.shows_scores === "at_close" && quiz.status !== "closed";
}

function body() {
  if (!board && quiz && isWithheld())
    return html`<p>${spoken(quiz.title)} · ${quiz.status === "cancelled" ? t("contest.cancelled") : t("standings.at-close", { at: moment(quiz.closes_at) })}</p>
      <p><a href="/contest">${t("result.back")}</a></p>`;
  if (!board) return loading();
  const rows = [...board.standings, ...more];
  const after = more.after === undefined ? board.after : more.after;
  return html`
    <p>${spoken(quiz.title)} · ${board.final ? t("standings.final") : t("standings.now")} ${board.frozen_at ? html`<strong class="fair">${t("standings.frozen", { at: moment(board.frozen_at) })}</strong>` : nothing}</p>
    ${own ? html`<p class="card"><strong>${t("result.rank", { n: own.rank })}</strong> · ${t("result.points", { n: own.points, of: own.points_max })}</p>` : nothing}
    ${rows.length ? table(rows) : html`<p>${t("standings.none")}</p>`}
    ${after ? button(t("standings.more"), () => next(after)) : nothing}
    <h2>${t("standings.divisions")}</h2>
    ${choice("kind", t("standings.by"), ["district", "audience", "group"].map((one) => [one, t(`standings.by-${one}`)]), { value: kind, changed: switchKind })}
    ${divisions?.divisions.length ? compared() : html`<p>${t("standings.no-groups")}</p>`}
  `;
}

function table(rows) {
  return html`<table>
    <caption class="quiet">${t("standings.caption")}</caption>
    <thead><tr><th scope="col">${t("standings.rank")}</th><th scope="col">${t("standings.who")}</th><th scope="col">${t("standings.points")}</th><th scope="col">${t("standings.time")}</th></tr></thead>
    <tbody>${rows.map(
      (one) => html`<tr class=${one.yours ? "yours" : ""}><td>${one.rank}</td><td>${one.yours ? t("standings.you") : spoken(one.alias)}</td><td>${one.points}</td><td>${duration(one.time_used_seconds)}</td></tr>`,
    )}</tbody>
  </table>`;
}

function compared() {
  return html`<table>
    <thead><tr><th scope="col">${t("standings.rank")}</th><th scope="col">${t(`standings.by-${kind}`)}</th><th scope="col">${t("standings.people")}</th><th scope="col">${t("standings.mean")}</th></tr></thead>
    <tbody>${divisions.divisions.map(
      (one) => html`<tr><td>${one.rank ?? "–"}</td><td>${kind === "audience" ? t(`audience.${one.name}`) : spoken(one.name)}</td><td>${one.hidden ? t("standings.few") : one.people}</td><td>${one.mean_points ?? "–"}</td></tr>`,
    )}</tbody>
  </table>`;
}

async function switchKind(value) {
  kind = value;
  divisions = await ask("quiz", `${path}/divisions/${kind}?limit=50`).catch(() => null);
}

async function next(after) {
  const page = await ask("quiz", `${path}/standings?limit=${PAGE}&after=${encodeURIComponent(after)}`);
  more = Object.assign([...more, ...page.standings], { after: page.after });
}
