// The form of a draw: prizes, who takes part, who does not, and where the random numbers come from.
import { alsoWords } from "./language.js";
import { change } from "./organise-changing.js";
import { numberField, tick, timeField } from "./organise-fields.js";
import { idField, newId } from "./organise-ids.js";
import { columnsOf, linesOf, tierLines, tiersOf } from "./lines.js";
import { ofField } from "./organise-times.js";
import { area, button, choice, field, form, html, nothing, t } from "./page.js";

await alsoWords("organise-draws");

const ENTRANTS = ["participants", "named", "tied"];
const CHANCES = ["person", "day", "attempt"];
const SOURCES = ["public", "commitment"];
const proposedId = newId("draw");
// What is chosen in the form, as far as other fields depend on it.
let entrantsKind = null;
let sourceKinds = null;

export function pathOf(id) {
  return `/draws/${encodeURIComponent(id)}`;
}

/** A new draw, or one that is not announced. `tag`: as it was read. `saved` gets its id. */
export function drawForm(draw, { tag = null, schemes, quizzes, saved, cancelled }) {
  const kind = entrantsKind ?? draw?.entrants.type ?? "participants";
  const kinds = sourceKinds ?? draw?.sources.map((one) => one.type) ?? ["public"];
  const save = async (said) => {
    const id = draw?.draw_id ?? said["draw-id"].trim();
    await change("awards", pathOf(id), { method: "PUT", tag, isNew: !draw, body: bodyOf(said, kind, kinds, schemes) });
    forgetChoices();
    await saved(id);
  };
  const cancel = async () => {
    forgetChoices();
    cancelled();
  };
  const drawn = schemes.filter((one) => one.rule.type === "drawn");
  if (!drawn.length) return html`<p>${t("draw.no-scheme")} <a href="/organise-awards">${t("pages.schemes")}</a></p> ${button(t("form.cancel"), cancel)}`;
  const fields = html`
    ${field("title", t("scheme.title"), { value: draw?.title ?? "", required: true, maxlength: 200 })}
    ${choice("scheme", t("draw.scheme"), drawn.map((one) => [one.scheme_id, one.title]), { value: draw?.scheme_id })}
    ${area("prizes", t("draw.prizes"), { value: tierLines(draw?.prizes ?? []), required: true, hint: t("scheme.tiers-hint") })}
    ${numberField("reserves", t("draw.reserves"), { value: draw?.reserves ?? 0, hint: t("draw.reserves-hint") })}
    ${choice("entrants", t("draw.entrants"), ENTRANTS.map((one) => [one, t(`entrants-kind.${one}`)]), { value: kind, changed: (value) => (entrantsKind = value) })}
    ${entrantFields(draw?.entrants.type === kind ? draw.entrants : {}, kind, schemes, quizzes)}
    ${area("excluded", t("draw.excluded"), { value: (draw?.excluded ?? []).join("\n"), rows: 3, hint: t("draw.excluded-hint") })}
    <fieldset>
      <legend>${t("draw.winners-of")}</legend>
      ${schemes.map((one) => tick(`winner-${one.scheme_id}`, one.title, { checked: (draw?.winners_of ?? []).includes(one.scheme_id) }))}
    </fieldset>
    ${kinds.map((one, place) => sourceFields(draw?.sources[place], one, place, kinds))}
    ${button(t("draw.add-source"), async () => (sourceKinds = [...kinds, "commitment"]))}
    ${draw ? nothing : idField("draw-id", proposedId)}
  `;
  return html`${form(fields, draw ? t("scheme.save") : t("draw.create"), save)} ${button(t("form.cancel"), cancel)}`;
}

function forgetChoices() {
  entrantsKind = null;
  sourceKinds = null;
}

function entrantFields(before, kind, schemes, quizzes) {
  if (kind === "named") return html`<p class="quiet">${t("draw.named-later")}</p>`;
  if (kind === "tied") {
    const lots = schemes.filter((one) => one.rule.ties === "lots");
    return html`
      ${choice("tied-scheme", t("draw.tied-scheme"), lots.map((one) => [one.scheme_id, one.title]), { value: before.scheme_id })}
      ${field("tier", t("recipient.tier"), { value: before.tier ?? "", required: true, maxlength: 200, hint: t("draw.tier-hint") })}
    `;
  }
  return html`
    ${choice("quiz", t("scheme.quiz"), quizzes.map((one) => [one.quiz_id, one.title]), { value: before.quiz_id })}
    ${numberField("percent", t("scheme.percent"), { value: before.score_percent ?? 0, max: 100 })}
    ${choice("chances", t("draw.chances"), CHANCES.map((one) => [one, t(`chances.${one}`)]), { value: before.chances_per ?? "person" })}
    ${numberField("chances-max", t("draw.chances-max"), { value: before.chances_max ?? 1, min: 1, max: 100 })}
  `;
}

function sourceFields(source, kind, place, kinds) {
  const before = source?.type === kind ? source : {};
  const choose = (value) => (sourceKinds = kinds.map((one, other) => (other === place ? value : one)));
  return html`<fieldset>
    <legend>${t("draw.source", { n: place + 1 })}</legend>
    ${choice(`source-${place}`, t("draw.source-kind"), SOURCES.map((one) => [one, t(`source-kind.${one}`)]), { value: kind, changed: choose })}
    ${field(`says-${place}`, t("draw.source-says"), { value: before.description ?? "", required: true, maxlength: 200, hint: t(`source-hint.${kind}`) })}
    ${kind === "public"
      ? timeField(`at-${place}`, t("draw.source-at"), { value: before.expected_at, required: true, hint: t("field.local") })
      : field(`sha-${place}`, t("draw.source-sha"), { value: before.sha256 ?? "", required: true, maxlength: 64, autocomplete: "off", hint: t("draw.source-sha-hint") })}
    ${kinds.length > 1 && place === kinds.length - 1 ? button(t("draw.remove-source"), async () => (sourceKinds = kinds.slice(0, -1))) : nothing}
  </fieldset>`;
}

function bodyOf(said, kind, kinds, schemes) {
  return {
    title: said.title,
    scheme_id: said.scheme,
    prizes: tiersOf(said.prizes),
    reserves: Number(said.reserves),
    entrants: entrantsOf(said, kind),
    excluded: linesOf(said.excluded),
    winners_of: schemes.map((one) => one.scheme_id).filter((id) => said[`winner-${id}`]),
    sources: kinds.map((one, place) =>
      one === "public"
        ? { type: one, description: said[`says-${place}`], expected_at: ofField(said[`at-${place}`]) }
        : { type: one, description: said[`says-${place}`], sha256: said[`sha-${place}`].trim().toLowerCase() },
    ),
  };
}

function entrantsOf(said, kind) {
  if (kind === "named") return { type: kind };
  if (kind === "tied") return { type: kind, scheme_id: said["tied-scheme"], tier: said.tier };
  return { type: kind, quiz_id: said.quiz, score_percent: Number(said.percent), chances_per: said.chances, chances_max: Number(said["chances-max"]) };
}

/** A pasted list of entrants: an id on each line, and how many chances. */
export function entrantsIn(text) {
  return columnsOf(text).map(([id, chances]) => ({ entrant_id: id, chances: chances ? Number(chances) : 1 }));
}
