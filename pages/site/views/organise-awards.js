// Schemes, all or those of a contest: awards and their rules, how far they are, and how many awards there are.
import { all } from "../parts/api.js";
import { awardPages } from "../parts/organise-award-pages.js";
import { conflicted } from "../parts/organise-changing.js";
import { ruleInWords, schemeForm } from "../parts/organise-scheme-form.js";
import { mayChange, organise, organiseAll, showToOrganisers } from "../parts/organiser.js";
import { button, html, loading, nothing, t } from "../parts/page.js";

const PAGE = 30;
const QUIZZES_MAX = 500;
// Only awards by the results of this contest are shown; null: all are.
const quizId = new URLSearchParams(location.search).get("quiz");
let quizzes = [];
// By scheme: its awards that are held, revoked and superseded.
let counts = new Map();
let total = null;
let schemes = null;
let after = null;
let creating = false;

await showToOrganisers(() => t("organise.awards"), body, load);

async function load() {
  const [statistics, cells, found] = await Promise.all([
    organise("awards", "/awards/statistics?limit=1"),
    organiseAll("awards", "/awards/statistics?by=scheme", "cells"),
    all("quiz", "/quizzes", "quizzes", QUIZZES_MAX, { token: null }),
  ]);
  total = statistics.all;
  counts = new Map(cells.map((one) => [one.name, one.count]));
  // A form proposes the first one.
  quizzes = [...found].sort((one, other) => (other.quiz_id === quizId) - (one.quiz_id === quizId));
  schemes = [];
  await (quizId ? readThoseOfQuiz() : next());
}

async function readThoseOfQuiz() {
  const found = await organiseAll("awards", "/schemes", "schemes");
  schemes = await Promise.all(found.filter((one) => one.rule.quiz_id === quizId).map(withStatus));
}

async function next() {
  const page = await organise("awards", `/schemes?limit=${PAGE}${after && schemes.length ? `&after=${encodeURIComponent(after)}` : ""}`);
  schemes = [...schemes, ...(await Promise.all(page.schemes.map(withStatus)))];
  after = page.after;
}

async function withStatus(scheme) {
  const path = `/schemes/${encodeURIComponent(scheme.scheme_id)}`;
  const [{ status }, state] = await Promise.all([
    organise("awards", `${path}/status`),
    // Only ranks leave something undecided.
    scheme.rule.type === "rank_tiers" ? organise("awards", `${path}/state`) : null,
  ]);
  return { ...scheme, status, state };
}

function body() {
  if (!schemes) return loading();
  return html`
    ${awardPages()} ${conflicted(load)}
    <p>${t("awards.explained")}</p>
    ${quizId ? ofQuiz() : html`<p><strong>${t("awards.counts", total)}</strong></p>`}
    ${mayChange() ? newScheme() : nothing}
    ${schemes.length ? html`<ul class="cards">${schemes.map(card)}</ul>` : html`<p>${t("awards.none")}</p>`}
    ${after ? button(t("awards.more"), next) : nothing}
  `;
}

function ofQuiz() {
  const title = quizzes.find((one) => one.quiz_id === quizId)?.title ?? quizId;
  return html`<p><strong>${t("awards.of-contest", { title })}</strong> <a href="/organise-awards">${t("awards.all")}</a></p>`;
}

function newScheme() {
  if (!creating) return html`<p>${button(t("awards.new"), async () => (creating = true), { kind: "main" })}</p>`;
  return html`<section class="card next" tabindex="-1" aria-labelledby="new">
    <h2 id="new">${t("awards.new")}</h2>
    ${schemeForm(null, {
      quizzes,
      saved: (id) => location.assign(`/organise-scheme?id=${encodeURIComponent(id)}`),
      cancelled: () => (creating = false),
    })}
  </section>`;
}

function card(scheme) {
  const { held = 0, revoked = 0, superseded = 0 } = counts.get(scheme.scheme_id) ?? {};
  return html`<li class="card" data-scheme=${scheme.scheme_id}>
    <h2><a href="/organise-scheme?id=${encodeURIComponent(scheme.scheme_id)}">${scheme.title}</a></h2>
    <p>${t(`award-kind.${scheme.kind}`)} · <strong>${t(`scheme-status.${scheme.status}`)}</strong></p>
    <p>${ruleInWords(scheme, quizzes)}</p>
    ${scheme.state?.undecided ? html`<p class="fair">${scheme.state.undecided.detail}</p>` : nothing}
    ${scheme.state?.lots.length ? html`<p class="fair">${t("awards.lots", { n: scheme.state.lots.length })}</p>` : nothing}
    <p>${t("awards.counts", { held, revoked, superseded })}</p>
  </li>`;
}
