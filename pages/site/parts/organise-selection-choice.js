// The end of a selection: the ranking, the candidates in public, objections, and the committee's votes.
import { alsoWords } from "./language.js";
import { asksFirst, change } from "./organise-changing.js";
import { numberField, tick } from "./organise-fields.js";
import { objectionsSection, openOf } from "./organise-objections.js";
import { nameOf, who } from "./organise-recipients.js";
import { pathOf } from "./organise-selection-form.js";
import { download, mayChange, organise, organiseAll } from "./organiser.js";
import { announce, button, html, nothing, t } from "./page.js";
import { moment } from "./times.js";

await alsoWords("organise-selections");

const RANKED = ["ranking", "notice", "deciding", "decided"];
const PUBLIC = ["notice", "deciding", "decided"];
const OBJECTIONS_MAX = 1000;
let ranking = null;
let choice = null;
let objections = [];

export async function loadChoice(id, phase) {
  [ranking, choice, objections] = await Promise.all([
    RANKED.includes(phase) && mayChange() ? organise("awards", `${pathOf(id)}/ranking`) : null,
    PUBLIC.includes(phase) ? organise("awards", `${pathOf(id)}/candidates`) : null,
    PUBLIC.includes(phase) && mayChange() ? organiseAll("awards", `${pathOf(id)}/objections`, "objections", OBJECTIONS_MAX) : [],
  ]);
}

export function choiceOf(selection, phase, reload) {
  return html`
    ${ranking ? rankingOf(selection, phase, reload) : nothing}
    ${choice ? candidates(selection, phase) : nothing}
    ${choice && mayChange() ? objectionsSection(objections, pathOf(selection.selection_id), { runs: phase === "notice", reload }) : nothing}
    ${phase === "deciding" && mayChange() ? deciding(selection, reload) : nothing}
  `;
}

function rankingOf(selection, phase, reload) {
  const id = selection.selection_id;
  return html`<section aria-labelledby="ranking">
    <h2 id="ranking">${t("ranking.title")}</h2>
    ${ranking.ranking.length ? table() : html`<p>${t("ranking.none")}</p>`}
    ${ranking.missing.length ? html`<p class="bad">${t("ranking.missing", { n: ranking.missing.length })} ${ranking.missing.map((one) => html`${who(one)} `)}</p>` : nothing}
    ${ranking.outliers.length || ranking.severity.length
      ? html`<details>
          <summary>${t("ranking.look")}</summary>
          <ul>
            ${ranking.outliers.map((one) => html`<li>${t("ranking.outlier", { expert: one.expert, whom: nameOf(one.participant_id), score: one.score.toFixed(1), others: one.others.toFixed(1) })}</li>`)}
            ${ranking.severity.map((one) => html`<li>${t("ranking.severity", { expert: one.expert, n: one.difference.toFixed(1) })}</li>`)}
          </ul>
        </details>`
      : nothing}
    <div class="row">
      ${button(t("ranking.export"), async () => download(await organise("awards", `${pathOf(id)}/scores/export`, { as: "blob", seconds: 60 }), `scores-${id}.csv`))}
      ${phase === "ranking" ? publishing(selection, reload) : nothing}
    </div>
  </section>`;
}

function table() {
  return html`<div class="wide" tabindex="0" role="region" aria-label=${t("table.of", { what: t("ranking.title") })}>
    <table>
      <thead><tr><th scope="col">${t("standings.rank")}</th><th scope="col">${t("recipient.who")}</th><th scope="col">${t("ranking.score")}</th><th scope="col">${t("ranking.experts")}</th></tr></thead>
      <tbody>${ranking.ranking.map((one) => html`<tr><td>${one.rank}</td><td>${who(one.participant_id)}</td><td>${one.score}</td><td>${one.experts}</td></tr>`)}</tbody>
    </table>
  </div>`;
}

/** Which of them become candidates is asked: usually the first, and at a tie the organisers say. */
function publishing(selection, reload) {
  const publish = async (said) => {
    const named = ranking.ranking.map((one) => one.participant_id).filter((one) => said[`candidate-${one}`]);
    const body = { candidates: named, allow_fewer: Boolean(said.fewer), allow_missing: Boolean(said.missing) };
    await change("awards", `${pathOf(selection.selection_id)}/shortlist`, { method: "POST", body });
    await reload();
    announce(t("shortlist.published"));
  };
  return asksFirst("shortlist", t("shortlist.publish"), {
    kind: "main",
    about: () => html`<p>${t("shortlist.sure", { most: selection.candidates_at_most, places: selection.places })}</p>
      ${ranking.ranking.map((one, place) => tick(`candidate-${one.participant_id}`, `${one.rank}. ${nameOf(one.participant_id)} (${one.score})`, { checked: place < selection.candidates_at_most }))}
      ${tick("fewer", t("shortlist.fewer"))} ${tick("missing", t("shortlist.missing"))}`,
    go: t("shortlist.publish-now"),
    work: publish,
  });
}

function candidates(selection, phase) {
  return html`<section aria-labelledby="candidates">
    <h2 id="candidates">${t("candidates.title")}</h2>
    <p>${t("candidates.until", { until: moment(choice.notice_until) })} <a href="/notice?selection=${encodeURIComponent(selection.selection_id)}">${t("candidates.public")}</a></p>
    ${phase === "decided" ? html`<p><strong>${t("candidates.decided", { n: choice.winners?.length ?? 0 })}</strong> <a href="/organise-scheme?id=${encodeURIComponent(selection.scheme_id)}">${t("selection.its-scheme")}</a></p>` : nothing}
    <ol>${choice.candidates.map((one) => html`<li>${who(one.participant_id)} ${choice.winners?.includes(one.participant_id) ? html`<strong class="good">${t("candidates.won")}</strong>` : nothing}</li>`)}</ol>
  </section>`;
}

/** Votes are about each candidate against whom no objection was upheld. */
function deciding(selection, reload) {
  const open = openOf(objections);
  if (open) return html`<p class="fair">${t("votes.open", { n: open })}</p>`;
  const out = new Set(objections.filter((one) => one.outcome === "upheld").map((one) => one.recipient_id));
  const left = choice.candidates.filter((one) => !out.has(one.participant_id)).map((one) => one.participant_id);
  const record = async (said) => {
    const votes = left
      .filter((one) => !said[`gone-${one}`])
      .map((one) => ({ participant_id: one, votes_for: Number(said[`for-${one}`]), against: Number(said[`against-${one}`]), abstained: Number(said[`abstained-${one}`]) }));
    await change("awards", `${pathOf(selection.selection_id)}/decision`, { method: "POST", body: { members: Number(said.members), votes } });
    await reload();
    announce(t("votes.recorded"));
  };
  return asksFirst("votes", t("votes.record"), {
    kind: "main",
    about: () => html`<p>${t("votes.sure", { n: selection.places })}</p>
      ${numberField("members", t("votes.members"), { min: 1, max: 1000 })}
      ${left.map((one) => html`<fieldset>
        <legend>${nameOf(one)}</legend>
        ${["for", "against", "abstained"].map((vote) => numberField(`${vote}-${one}`, t(`vote.${vote}`), { value: 0, max: 1000 }))}
        ${tick(`gone-${one}`, t("votes.gone"))}
      </fieldset>`)}`,
    go: t("votes.record-now"),
    work: record,
  });
}
