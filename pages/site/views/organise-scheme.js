// One scheme: its rule, who is proposed, who has awards, and their documents.
import { all } from "../parts/api.js";
import { awardPages } from "../parts/organise-award-pages.js";
import { asksFirst, change, conflicted } from "../parts/organise-changing.js";
import { progress } from "../parts/organise-waiting.js";
import { groupProposals, knowGroups } from "../parts/organise-recipients.js";
import { ruleInWords, schemeForm } from "../parts/organise-scheme-form.js";
import { conferring } from "../parts/organise-scheme-confer.js";
import { documents, loadDocuments } from "../parts/organise-scheme-documents.js";
import { heldAwards, loadHeld } from "../parts/organise-scheme-held.js";
import { loadNotice, noticeOf } from "../parts/organise-scheme-notice.js";
import { winners } from "../parts/organise-scheme-winners.js";
import { mayChange, organise, showToOrganisers } from "../parts/organiser.js";
import { announce, button, html, loading, nothing, t, update } from "../parts/page.js";

const QUIZZES_MAX = 500;
const id = new URLSearchParams(location.search).get("id") ?? "";
const path = `/schemes/${encodeURIComponent(id)}`;
let scheme = null;
let tag = null;
let status = "";
let state = null;
let counts = null;
let quizzes = [];
let changing = false;
// What `apply` has issued so far.
let applied = null;

if (id) await showToOrganisers(() => scheme?.title ?? t("scheme.page"), body, load);
else location.replace("/organise-awards");

async function load() {
  const [tagged, said, now, statistics, found] = await Promise.all([
    organise("awards", path, { as: "tagged" }),
    organise("awards", `${path}/status`),
    organise("awards", `${path}/state`),
    organise("awards", `/awards/statistics?limit=1&scheme_id=${encodeURIComponent(id)}`),
    all("quiz", "/quizzes", "quizzes", QUIZZES_MAX, { token: null }),
    knowGroups(),
  ]);
  ({ content: scheme, tag } = tagged);
  ({ status } = said);
  state = now;
  counts = statistics.all;
  quizzes = found;
  await Promise.all([loadNotice(scheme, load), loadHeld(scheme), loadDocuments(scheme)]);
}

function body() {
  if (!scheme) return html`${awardPages()} ${conflicted(load)} ${loading()}`;
  return html`
    ${awardPages()} ${conflicted(load)} ${summary()} ${groupProposals()}
    ${isByResults() && !scheme.draft && mayChange() ? lateScheme() : nothing}
    ${scheme.issue.type === "after_notice" && !scheme.draft ? noticeOf(scheme, load) : nothing}
    ${scheme.rule.type === "conferred" && !scheme.draft ? conferring(scheme, load) : nothing}
    ${heldAwards(scheme, load)} ${winners(scheme)} ${documents(scheme, counts)}
  `;
}

function isByResults() {
  return scheme.rule.type === "pass_mark" || scheme.rule.type === "rank_tiers";
}

function summary() {
  return html`<section class="card" data-status=${status} aria-labelledby="summary">
    <h2 id="summary">${t("scheme.rule")}</h2>
    <p>${t(`award-kind.${scheme.kind}`)} · <strong>${t(`scheme-status.${status}`)}</strong></p>
    <p>${ruleInWords(scheme, quizzes)}</p>
    ${scheme.draft ? html`<p class="fair">${t("scheme.is-draft")}</p>` : nothing}
    ${state.undecided ? html`<p class="fair">${state.undecided.detail}</p>` : nothing}
    ${state.lots.map((lot) => html`<p class="fair">${t("scheme.lot", { tier: lot.tier, rank: lot.rank, n: lot.tied ?? "?" })} <a href="/organise-draws">${t("scheme.to-draws")}</a></p>`)}
    <p>${t("awards.counts", counts)}</p>
    <p class="quiet">${t("field.id")}: <code>${scheme.scheme_id}</code></p>
    ${scheme.rule.type === "drawn" ? html`<p><a href="/organise-draws">${t("scheme.to-draws")}</a></p>` : nothing}
    ${scheme.rule.type === "selected" ? html`<p><a href="/organise-selections">${t("scheme.to-selections")}</a></p>` : nothing}
    ${mayChange() ? changes() : nothing}
  </section>`;
}

function changes() {
  if (changing) return schemeForm(scheme, { tag, inUse: state.in_use, quizzes, saved, cancelled: () => (changing = false) });
  return html`<div class="row">
    ${button(t("scheme.change"), async () => (changing = true))}
    ${state.in_use ? nothing : asksFirst("delete", t("scheme.delete"), { about: () => html`<p>${t("scheme.delete-sure", { title: scheme.title })}</p>`, work: remove })}
  </div>`;
}

async function saved() {
  changing = false;
  await load();
  announce(t("scheme.saved"));
}

async function remove() {
  await change("awards", path, { method: "DELETE", tag });
  location.assign("/organise-awards");
}

/** A scheme that was put after results: who is due by it gets an award, or is proposed. */
function lateScheme() {
  const waits = scheme.issue.type === "after_notice";
  return html`<section aria-labelledby="late">
    <h2 id="late">${t("late.title")}</h2>
    <p>${t(waits ? "late.explained-notice" : "late.explained")}</p>
    ${applied?.working ? progress(t("late.working", { n: applied.issued })) : button(t(waits ? "late.find" : "late.apply"), waits ? findAgain : apply)}
    ${applied?.undecided ? html`<p class="fair">${t("late.undecided")}</p>` : nothing}
  </section>`;
}

async function apply() {
  applied = { issued: 0, working: true };
  try {
    let after = null;
    do {
      const answer = await change("awards", `${path}/apply${after ? `?after=${encodeURIComponent(after)}` : ""}`, { method: "POST", seconds: 60 });
      after = answer.after;
      applied = { issued: applied.issued + answer.issued, undecided: answer.undecided, working: true };
      update();
    } while (after);
  } finally {
    applied.working = false;
  }
  await load();
  announce(t("late.done", { n: applied.issued }));
}

async function findAgain() {
  await change("awards", `${path}/proposals`, { method: "POST" });
  await loadNotice(scheme, load);
  announce(t("late.finding"));
}
