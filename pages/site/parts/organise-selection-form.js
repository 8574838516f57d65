// The form of a selection: places, times, who may nominate, and what experts give points for.
import { alsoWords } from "./language.js";
import { change } from "./organise-changing.js";
import { numberField, tick, timeField } from "./organise-fields.js";
import { idField, newId } from "./organise-ids.js";
import { linesOf } from "./lines.js";
import { ofField } from "./organise-times.js";
import { area, button, choice, field, form, html, nothing, t } from "./page.js";

await alsoWords("organise-selections");

const NOMINATORS = ["person", "group", "organiser"];
const DAY_SECONDS = 86400;
const proposedId = newId("selection");

export function pathOf(id) {
  return `/selections/${encodeURIComponent(id)}`;
}

/** A new selection, or one that is there. `tag`: as it was read. `saved` gets its id. */
export function selectionForm(selection, { tag = null, schemes, saved, cancelled }) {
  const selected = schemes.filter((one) => one.rule.type === "selected");
  const cancel = button(t("form.cancel"), async () => cancelled());
  if (!selected.length) return html`<p>${t("selection.no-scheme")} <a href="/organise-awards">${t("pages.schemes")}</a></p> ${cancel}`;
  const save = async (said) => {
    const id = selection?.selection_id ?? said["selection-id"].trim();
    await change("awards", pathOf(id), { method: "PUT", tag, isNew: !selection, body: bodyOf(said, selection) });
    await saved(id);
  };
  const fields = html`
    ${field("title", t("scheme.title"), { value: selection?.title ?? "", required: true, maxlength: 200 })}
    ${choice("scheme", t("selection.scheme"), selected.map((one) => [one.scheme_id, one.title]), { value: selection?.scheme_id })}
    ${numberField("places", t("selection.places"), { value: selection?.places ?? 10, min: 1, max: 80 })}
    ${numberField("most", t("selection.candidates-max"), { value: selection?.candidates_at_most ?? 12, min: 2, max: 100, hint: t("selection.candidates-hint") })}
    ${timeField("from", t("selection.from"), { value: selection?.nominations_from, required: true, hint: t("field.local") })}
    ${timeField("until", t("selection.until"), { value: selection?.nominations_until, required: true, hint: t("field.local") })}
    ${timeField("scoring", t("selection.scoring"), { value: selection?.scoring_until, required: true, hint: t("field.local") })}
    ${noticeFields(selection?.notice_seconds ?? 7 * DAY_SECONDS)}
    <fieldset>
      <legend>${t("selection.nominators")}</legend>
      ${NOMINATORS.map((one) => tick(`by-${one}`, t(`nominator.${one}`), { checked: !selection || selection.nominators.includes(one) }))}
    </fieldset>
    ${area("eligibility", t("selection.eligibility"), { value: selection?.eligibility ?? "", maxlength: 2000 })}
    ${area("criteria", t("selection.criteria"), { value: criteriaLines(selection?.criteria ?? []), required: true, hint: t("selection.criteria-hint") })}
    ${numberField("experts-each", t("selection.experts"), { value: selection?.experts_per_nominee ?? 3, min: 1, max: 15 })}
    ${tick("extremes", t("selection.extremes"), { checked: selection?.drop_extremes ?? false })}
    ${selection ? nothing : idField("selection-id", proposedId)}
  `;
  return html`${form(fields, selection ? t("scheme.save") : t("selection.create"), save)} ${cancel}`;
}

function noticeFields(seconds) {
  return html`
    ${numberField("days", t("scheme.days"), { value: Math.floor(seconds / DAY_SECONDS), max: 30, hint: t("scheme.days-hint") })}
    ${numberField("seconds", t("scheme.seconds"), { value: seconds % DAY_SECONDS, max: DAY_SECONDS - 1, hint: t("scheme.seconds-hint") })}
  `;
}

function criteriaLines(criteria) {
  return criteria.map((one) => `${one.title} ${one.weight} ${one.points_max}`).join("\n");
}

/** A criterion keeps its id and its English title, as long as its title stays. */
function criteriaOf(text, before) {
  return linesOf(text).map((line, place) => {
    const [, title, weight, points] = line.match(/^(.*?)\s+(\d+)\s+(\d+)$/) ?? [null, line, "0", "0"];
    const same = before.find((one) => one.title === title);
    const id = same?.id ?? freeId(before, place);
    return { id, title, title_en: same?.title_en ?? null, weight: Number(weight), points_max: Number(points) };
  });
}

function freeId(before, place) {
  const taken = new Set(before.map((one) => one.id));
  let number = place + 1;
  while (taken.has(`c${number}`)) number += before.length + 1;
  return `c${number}`;
}

function bodyOf(said, selection) {
  return {
    title: said.title,
    scheme_id: said.scheme,
    places: Number(said.places),
    candidates_at_most: Number(said.most),
    nominations_from: ofField(said.from),
    nominations_until: ofField(said.until),
    scoring_until: ofField(said.scoring),
    notice_seconds: Number(said.days) * DAY_SECONDS + Number(said.seconds),
    nominators: NOMINATORS.filter((one) => said[`by-${one}`]),
    eligibility: said.eligibility,
    criteria: criteriaOf(said.criteria, selection?.criteria ?? []),
    experts_per_nominee: Number(said["experts-each"]),
    drop_extremes: Boolean(said.extremes),
  };
}
