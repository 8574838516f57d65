// Draws: all of them, or one (?id=) from its form to its winners.
import { all } from "../parts/api.js";
import { awardPages } from "../parts/organise-award-pages.js";
import { act, conflicted } from "../parts/organise-changing.js";
import { drawForm, pathOf } from "../parts/organise-draw-form.js";
import { loadSteps, stepsOf } from "../parts/organise-draw-steps.js";
import { knowGroups } from "../parts/organise-recipients.js";
import { mayChange, organise, organiseAll, showToOrganisers } from "../parts/organiser.js";
import { announce, button, html, loading, nothing, t } from "../parts/page.js";

const MOST = 500;
const id = new URLSearchParams(location.search).get("id");
let draws = null;
let state = null;
// As it was put: only for those who may change it.
let draw = null;
let tag = null;
let schemes = [];
let quizzes = [];
let writing = false;

await showToOrganisers(() => state?.title ?? t("pages.draws"), body, load);

async function load() {
  [schemes, quizzes] = await Promise.all([
    organiseAll("awards", "/schemes", "schemes", MOST),
    all("quiz", "/quizzes", "quizzes", MOST, { token: null }),
    knowGroups(),
  ]);
  if (!id) {
    draws = await organiseAll("awards", "/draws", "draws", MOST);
    return;
  }
  if (mayChange()) ({ content: draw, tag } = await organise("awards", `${pathOf(id)}/definition`, { as: "tagged" }));
  state = await loadSteps(id);
}

function body() {
  return html`${awardPages()} ${conflicted(load)} ${state ? one() : draws ? list() : loading()}`;
}

function list() {
  return html`
    <p>${t("draws.explained")}</p>
    ${mayChange() ? creation() : nothing}
    ${draws.length
      ? html`<ul class="cards">${draws.map((each) => html`<li class="card">
          <a href="/organise-draws?id=${encodeURIComponent(each.draw_id)}">${each.title}</a> · <strong>${t(`draw-state.${each.state}`)}</strong>
        </li>`)}</ul>`
      : html`<p>${t("draws.none")}</p>`}
  `;
}

function creation() {
  if (!writing) return html`<p>${button(t("draw.new"), async () => (writing = true), { kind: "main" })}</p>`;
  return html`<section class="card next" tabindex="-1" aria-labelledby="new">
    <h2 id="new">${t("draw.new")}</h2>
    ${drawForm(null, {
      schemes,
      quizzes,
      saved: (made) => location.assign(`/organise-draws?id=${encodeURIComponent(made)}`),
      cancelled: () => (writing = false),
    })}
  </section>`;
}

function one() {
  return html`
    ${draw ? definition() : nothing}
    ${stepsOf(id, draw, load)}
    <p><a href="/organise-draws">${t("draws.all")}</a></p>
  `;
}

function definition() {
  if (writing) return drawForm(draw, { tag, schemes, quizzes, saved, cancelled: () => (writing = false) });
  const prizes = draw.prizes.map((prize) => t("rule.tier", prize)).join(t("rule.and"));
  return html`<section aria-labelledby="about">
    <h2 id="about">${t("draw.about")}</h2>
    <p>${prizes} · ${t("draw.reserves")}: ${draw.reserves}</p>
    <p>${t("draw.entrants")}: ${t(`entrants-kind.${draw.entrants.type}`)}</p>
    <p><a href="/organise-scheme?id=${encodeURIComponent(draw.scheme_id)}">${t("draw.its-scheme")}</a></p>
    ${state.state === "draft" ? act(t("scheme.change"), async () => (writing = true)) : nothing}
  </section>`;
}

async function saved() {
  writing = false;
  await load();
  announce(t("scheme.saved"));
}
