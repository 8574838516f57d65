// Selections: all of them, or one (?id=) from nominations to the committee's votes.
import { awardPages } from "../parts/organise-award-pages.js";
import { act, conflicted } from "../parts/organise-changing.js";
import { groupProposals, knowGroups } from "../parts/organise-recipients.js";
import { choiceOf, loadChoice } from "../parts/organise-selection-choice.js";
import { pathOf, selectionForm } from "../parts/organise-selection-form.js";
import { expertsOf, loadNominees, nomineesOf } from "../parts/organise-selection-nominees.js";
import { mayChange, organise, organiseAll, showToOrganisers } from "../parts/organiser.js";
import { announce, button, html, loading, nothing, t } from "../parts/page.js";
import { moment } from "../parts/times.js";

const MOST = 500;
const id = new URLSearchParams(location.search).get("id");
let selections = null;
// {selection, phase, nominees}
let found = null;
let tag = null;
let schemes = [];
let writing = false;

await showToOrganisers(() => found?.selection.title ?? t("pages.selections"), body, load);

async function load() {
  [schemes] = await Promise.all([organiseAll("awards", "/schemes", "schemes", MOST), knowGroups()]);
  if (!id) {
    selections = await organiseAll("awards", "/selections", "selections", MOST);
    return;
  }
  const read = await organise("awards", pathOf(id), { as: "tagged" });
  await Promise.all([mayChange() ? loadNominees(id) : null, loadChoice(id, read.content.phase)]);
  ({ content: found, tag } = read);
}

function body() {
  return html`${awardPages()} ${conflicted(load)} ${found ? one() : selections ? list() : loading()}`;
}

function list() {
  return html`
    <p>${t("selections.explained")}</p>
    ${mayChange() ? creation() : nothing}
    ${selections.length
      ? html`<ul class="cards">${selections.map(({ selection, phase, nominees }) => html`<li class="card">
          <a href="/organise-selections?id=${encodeURIComponent(selection.selection_id)}">${selection.title}</a> · <strong>${t(`phase.${phase}`)}</strong> · ${t("selection.nominated", { n: nominees })}
        </li>`)}</ul>`
      : html`<p>${t("selections.none")}</p>`}
  `;
}

function creation() {
  if (!writing) return html`<p>${button(t("selection.new"), async () => (writing = true), { kind: "main" })}</p>`;
  return html`<section class="card next" tabindex="-1" aria-labelledby="new">
    <h2 id="new">${t("selection.new")}</h2>
    ${selectionForm(null, {
      schemes,
      saved: (made) => location.assign(`/organise-selections?id=${encodeURIComponent(made)}`),
      cancelled: () => (writing = false),
    })}
  </section>`;
}

function one() {
  const { selection, phase } = found;
  return html`
    ${summary(selection, phase)}
    ${mayChange() ? html`${groupProposals()} ${nomineesOf(id, phase, load)} ${expertsOf(id, phase)}` : html`<p>${t("selection.organisers-only")}</p>`}
    ${choiceOf(selection, phase, load)}
    <p><a href="/organise-selections">${t("selections.all")}</a></p>
  `;
}

function summary(selection, phase) {
  if (writing) return selectionForm(selection, { tag, schemes, saved, cancelled: () => (writing = false) });
  const times = { from: moment(selection.nominations_from), until: moment(selection.nominations_until), scoring: moment(selection.scoring_until) };
  return html`<section class="card" aria-labelledby="about" data-phase=${phase}>
    <h2 id="about">${t("selection.now", { phase: t(`phase.${phase}`) })}</h2>
    <p>${t(`phase-next.${phase}`)}</p>
    <p>${t("selection.summary", { places: selection.places, most: selection.candidates_at_most, experts: selection.experts_per_nominee })}</p>
    <p>${t("selection.times", times)}</p>
    <div class="row">
      ${phase === "decided" ? nothing : button(t("notice.look"), load)}
      ${["preparing", "nominating", "scoring", "ranking"].includes(phase) ? act(t("scheme.change"), async () => (writing = true)) : nothing}
    </div>
  </section>`;
}

async function saved() {
  writing = false;
  await load();
  announce(t("scheme.saved"));
}
