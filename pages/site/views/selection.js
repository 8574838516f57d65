// Selections (评选): all of them, or one (?id=): nominating, and what its experts judge.
import { account } from "../parts/account.js";
import { all, ask } from "../parts/api.js";
import { groupNames } from "../parts/group-names.js";
import { alsoWords, language, named } from "../parts/language.js";
import { linesOf } from "../parts/lines.js";
import { announce, area, attempt, button, choice, field, form, html, loading, nothing, show, signInFirst, t, update } from "../parts/page.js";
import { spoken } from "../parts/spoken.js";
import { moment } from "../parts/times.js";

await alsoWords("selection");
await alsoWords("selection-terms");

const SELECTIONS_MAX = 200;
const EVIDENCE_MAX = 5;
const CONFLICTS = ["family", "colleague", "teacher", "cooperation", "dispute", "other"];
const id = new URLSearchParams(location.search).get("id");
const path = `/selections/${encodeURIComponent(id ?? "")}`;
// All, where none was asked for.
let others = null;
let selection = null;
let phase = null;
// Whom the reader judges: [{participant_id, score}], with the words of nominations once they were opened.
let judged = [];
let opened = new Map();
let groups = new Map();
let isMissing = false;

show(() => selection?.title ?? t("selection-page.title"), body);
if (!(await attempt(load))) {
  isMissing = true;
  update();
}

async function load() {
  if (!id) {
    others = await all("awards", "/selections", "selections", SELECTIONS_MAX, { token: null });
    return;
  }
  [{ selection, phase }, groups] = await Promise.all([ask("awards", path, { token: null }), groupNames()]);
  if (account() && phase === "scoring") await readJudged();
}

async function readJudged() {
  ({ assignments: judged } = await ask("awards", `${path}/assignments`));
}

function body() {
  if (others) return list();
  if (!selection) return isMissing ? html`<p><a href="/selection">${t("selection-page.all")}</a></p>` : loading();
  return html`
    <p data-phase=${phase}><strong>${t(`selection-phase.${phase}`)}</strong> · ${t("selection-page.places", { n: selection.places })}</p>
    ${selection.eligibility ? html`<p class="text">${spoken(selection.eligibility)}</p>` : nothing}
    <dl>
      <dt>${t("selection-page.nominations")}</dt><dd>${moment(selection.nominations_from)} – ${moment(selection.nominations_until)}</dd>
      <dt>${t("selection-page.scoring-until")}</dt><dd>${moment(selection.scoring_until)}</dd>
      <dt>${t("selection-page.criteria")}</dt><dd><ul>${selection.criteria.map((one) => html`<li>${spoken(titleOf(one))} ${shareOf(one)}%</li>`)}</ul></dd>
    </dl>
    ${phase === "nominating" ? nominating() : nothing}
    ${phase === "scoring" ? judging() : nothing}
    ${["notice", "deciding", "decided"].includes(phase) ? html`<p><a class="button main" href="/notice?selection=${encodeURIComponent(id)}">${t("selection-page.notice")}</a></p>` : nothing}
    <p><a href="/selection">${t("selection-page.all")}</a></p>
  `;
}

function list() {
  return html`
    <p>${t("selection-page.explained")}</p>
    ${others.length
      ? html`<ul class="cards">${others.map((one) => html`<li class="card">
          <h2><a href="/selection?id=${encodeURIComponent(one.selection.selection_id)}">${spoken(one.selection.title)}</a></h2>
          <p><strong>${t(`selection-phase.${one.phase}`)}</strong></p>
        </li>`)}</ul>`
      : html`<p>${t("selection-page.none")}</p>`}
    <p><a href="/">${t("menu.programme")}</a></p>
  `;
}

function titleOf(criterion) {
  return (language === "en" && criterion.title_en) || criterion.title;
}

function shareOf(criterion) {
  const whole = selection.criteria.reduce((sum, one) => sum + one.weight, 0);
  return Math.round((100 * criterion.weight) / whole);
}

function nominating() {
  if (!selection.nominators.some((one) => one !== "organiser")) return html`<p>${t("selection-page.organisers-only")}</p>`;
  if (!account()) return signInFirst(t("selection-page.sign-in"));
  return html`<section aria-labelledby="nominate">
    <h2 id="nominate">${t("selection-page.nominate")}</h2>
    <p>${t("selection-page.who-reads")}</p>
    ${form(
      html`${choice("nominee", t("selection-page.whom"), [["me", t("selection-page.me")], ["other", t("selection-page.other")], ...groups])}
      ${field("other", t("selection-page.id"), { maxlength: 64, hint: t("selection-page.id-hint") })}
      ${area("statement", t("selection-page.why"), { required: true, rows: 6, maxlength: 1000 })}
      ${area("evidence", t("selection-page.evidence"), { hint: t("selection-page.evidence-hint") })}`,
      t("selection-page.nominate-now"),
      nominate,
      { names: { participant_id: "other" } },
    )}
  </section>
  <details>
    <summary>${t("selection-page.withdraw")}</summary>
    <p>${t("selection-page.withdraw-hint")}</p>
    ${button(t("selection-page.withdraw-now"), withdraw, { kind: "danger" })}
  </details>`;
}

async function nominate({ nominee, other, statement, evidence }) {
  const participantId = nominee === "me" ? account().participant_id : nominee === "other" ? other.trim() : nominee;
  const body = { participant_id: participantId, statement, evidence: linesOf(evidence).slice(0, EVIDENCE_MAX) };
  await ask("awards", `${path}/nominations`, { method: "POST", body, again: true });
  announce(t("selection-page.nominated"));
}

/** Nobody is nominated against their will. */
async function withdraw() {
  await ask("awards", `${path}/withdrawals`, { method: "POST", body: { participant_id: account().participant_id }, again: true });
  announce(t("selection-page.withdrawn"));
}

function judging() {
  if (!account()) return signInFirst(t("selection-page.experts-sign-in"));
  if (!judged.length) return html`<p>${t("selection-page.judges-nobody")}</p>`;
  const done = judged.filter((one) => one.score).length;
  return html`<section aria-labelledby="judge">
    <h2 id="judge">${t("selection-page.judge", { done, n: judged.length })}</h2>
    <p>${t("selection-page.judge-hint", { at: moment(selection.scoring_until) })}</p>
    <ul class="cards">${judged.map(nominee)}</ul>
  </section>`;
}

function nominee(one) {
  const name = groups.get(one.participant_id) ?? one.participant_id;
  const words = opened.get(one.participant_id);
  return html`<li class="card" data-nominee=${one.participant_id} data-version=${one.score?.version ?? nothing}>
    <h3>${spoken(name)}</h3>
    <p>${one.score ? html`<strong class="good">${t("selection-page.scored", { at: moment(one.score.scored_at) })}</strong>` : html`<strong class="fair">${t("selection-page.unscored")}</strong>`}</p>
    ${words
      ? words.map((each) => html`<blockquote class="inset"><p class="text">${each.statement}</p>${each.evidence.map((line) => html`<p><small>${line}</small></p>`)}</blockquote>`)
      : html`<p>${button(t("selection-page.read"), () => open(one), { name: `${t("selection-page.read")}: ${name}` })}</p>`}
    ${form(
      selection.criteria.map((criterion, n) => field(`${criterion.id}-${one.participant_id}`, titleOf(criterion), {
        type: "number", inputmode: "numeric", min: 0, max: criterion.points_max, required: true,
        value: String(one.score?.points[n] ?? ""), hint: t("selection-page.points", { most: criterion.points_max }),
      })),
      t(one.score ? "selection-page.change-points" : "selection-page.give-points"),
      (given) => score(one, given),
    )}
    <details>
      <summary>${t("selection-page.conflict")}</summary>
      <p>${t("selection-page.conflict-hint")}</p>
      ${form(choice(`conflict-${one.participant_id}`, t("selection-page.conflict-why"), CONFLICTS.map((code) => [code, named("conflict-code", code)])), t("selection-page.conflict-now"), (said) => declare(one, said[`conflict-${one.participant_id}`]), { kind: "danger" })}
    </details>
  </li>`;
}

async function open(one) {
  const { nominations } = await ask("awards", `${path}/nominees/${encodeURIComponent(one.participant_id)}`);
  opened = new Map(opened).set(one.participant_id, nominations);
}

async function score(one, given) {
  const points = Object.fromEntries(selection.criteria.map(({ id: criterion }) => [criterion, Number(given[`${criterion}-${one.participant_id}`])]));
  await ask("awards", `${path}/scores`, { method: "POST", body: { participant_id: one.participant_id, points }, again: true });
  await readJudged();
  announce(t("selection-page.points-kept"));
}

async function declare(one, code) {
  await ask("awards", `${path}/conflicts`, { method: "POST", body: { participant_id: one.participant_id, code }, again: true });
  await readJudged();
  announce(t("selection-page.declared"));
}
