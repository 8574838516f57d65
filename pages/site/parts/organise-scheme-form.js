// The form of a scheme: an award and its rule. And what a rule says, in words.
import { alsoWords } from "./language.js";
import { change } from "./organise-changing.js";
import { numberField, tick } from "./organise-fields.js";
import { idField, newId } from "./organise-ids.js";
import { tierLines, tiersOf } from "./lines.js";
import { area, button, choice, field, form, html, nothing, t } from "./page.js";

await alsoWords("organise-awards");

const KINDS = ["certificate", "prize", "plaque", "flag"];
const RULES = ["conferred", "pass_mark", "rank_tiers", "drawn", "selected"];
const TIES = ["widen", "share", "earlier_finish", "lots"];
const BY_RESULTS = new Set(["pass_mark", "rank_tiers"]);
// A draw and a selection are public by themselves.
const MAY_WAIT = new Set(["conferred", "pass_mark", "rank_tiers"]);
const proposedId = newId("award");
// What is chosen in the form, as far as other fields depend on it.
let chosen = {};

/** What a rule says. `quizzes`: those that are there, for their titles. */
export function ruleInWords({ rule, issue, on_change }, quizzes) {
  const quiz = quizzes.find((one) => one.quiz_id === rule.quiz_id)?.title ?? rule.quiz_id;
  const tiers = (rule.tiers ?? []).map((one) => t("rule.tier", one)).join(t("rule.and"));
  return [
    t(`rule.${rule.type}`, { quiz, percent: rule.score_percent, tiers }),
    rule.ties ? t(`ties-say.${rule.ties}`) : "",
    rule.next_in_rank ? t("rule.next-in-rank") : "",
    issue.type === "after_notice" ? t(`rule.notice-${issue.confirm}`, { length: noticeLength(issue) }) : "",
    BY_RESULTS.has(rule.type) ? t(`changes-say.${on_change}`) : "",
  ].filter(Boolean).join(" ");
}

/** How long a notice runs, in words. */
export function noticeLength({ days, seconds }) {
  return [days ? t("notice-length.days", { n: days }) : "", seconds ? t("notice-length.seconds", { n: seconds }) : ""].filter(Boolean).join(" ");
}

/**
 * The form of a new scheme, or of one that is there.
 *
 * `tag`: of the scheme as it was read. `inUse`: it has awards, so only its title may change. `saved` gets its id.
 */
export function schemeForm(scheme, { tag = null, inUse = false, quizzes, saved, cancelled }) {
  const rule = chosen.rule ?? scheme?.rule.type ?? "conferred";
  const issue = MAY_WAIT.has(rule) ? (chosen.issue ?? scheme?.issue.type ?? "at_once") : "at_once";
  const save = async (said) => {
    const id = scheme?.scheme_id ?? said["scheme-id"].trim();
    const body = inUse ? { ...scheme, title: said.title } : bodyOf(said, rule, issue);
    await change("awards", `/schemes/${encodeURIComponent(id)}`, { method: "PUT", body, tag, isNew: !scheme });
    chosen = {};
    await saved(id);
  };
  const cancel = async () => {
    chosen = {};
    cancelled();
  };
  const fields = html`
    ${field("title", t("scheme.title"), { value: scheme?.title ?? "", required: true, maxlength: 200 })}
    ${inUse ? html`<p>${t("scheme.in-use")}</p>` : terms(scheme, rule, issue, quizzes)}
    ${scheme ? nothing : idField("scheme-id", proposedId)}
  `;
  return html`${form(fields, scheme ? t("scheme.save") : t("scheme.create"), save)} ${button(t("form.cancel"), cancel)}`;
}

function terms(scheme, rule, issue, quizzes) {
  return html`
    ${choice("kind", t("scheme.kind"), KINDS.map((one) => [one, t(`award-kind.${one}`)]), { value: scheme?.kind ?? "certificate" })}
    ${choice("rule", t("scheme.rule"), RULES.map((one) => [one, t(`rule-kind.${one}`)]), { value: rule, changed: (value) => (chosen.rule = value) })}
    <p class="quiet">${t(`rule-hint.${rule}`)}</p>
    ${BY_RESULTS.has(rule) ? resultFields(scheme, rule, quizzes) : nothing}
    ${MAY_WAIT.has(rule) ? noticeFields(scheme, issue) : nothing}
    ${tick("draft", t("scheme.draft"), { checked: scheme?.draft ?? false })}
  `;
}

function resultFields(scheme, rule, quizzes) {
  const before = scheme?.rule.type === rule ? scheme.rule : {};
  return html`
    ${choice("quiz", t("scheme.quiz"), quizzes.map((one) => [one.quiz_id, one.title]), { value: before.quiz_id })}
    ${rule === "pass_mark"
      ? numberField("percent", t("scheme.percent"), { value: before.score_percent ?? 60, max: 100 })
      : html`
          ${area("tiers", t("scheme.tiers"), { value: tierLines(before.tiers ?? []), required: true, hint: t("scheme.tiers-hint") })}
          ${choice("ties", t("scheme.ties"), TIES.map((one) => [one, t(`ties.${one}`)]), { value: before.ties ?? "widen" })}
          ${tick("next", t("scheme.next-in-rank"), { checked: before.next_in_rank ?? false })}
        `}
    ${choice("on-change", t("scheme.on-change"), ["keep", "follow"].map((one) => [one, t(`changes.${one}`)]), { value: scheme?.on_change ?? "keep" })}
  `;
}

function noticeFields(scheme, issue) {
  const before = scheme?.issue.type === "after_notice" ? scheme.issue : { days: 7, seconds: 0, confirm: "organiser" };
  return html`
    ${choice("issue", t("scheme.issue"), ["at_once", "after_notice"].map((one) => [one, t(`issue.${one}`)]), { value: issue, changed: (value) => (chosen.issue = value) })}
    ${issue === "after_notice"
      ? html`
          ${numberField("days", t("scheme.days"), { value: before.days, max: 30, hint: t("scheme.days-hint") })}
          ${numberField("seconds", t("scheme.seconds"), { value: before.seconds, max: 86399, hint: t("scheme.seconds-hint") })}
          ${choice("confirm", t("scheme.confirm"), ["organiser", "automatic"].map((one) => [one, t(`confirm.${one}`)]), { value: before.confirm })}
        `
      : nothing}
  `;
}

function bodyOf(fields, rule, issue) {
  return {
    title: fields.title,
    kind: fields.kind,
    rule: {
      type: rule,
      ...(BY_RESULTS.has(rule) ? { quiz_id: fields.quiz } : {}),
      ...(rule === "pass_mark" ? { score_percent: Number(fields.percent) } : {}),
      ...(rule === "rank_tiers" ? { tiers: tiersOf(fields.tiers), ties: fields.ties, next_in_rank: Boolean(fields.next) } : {}),
    },
    on_change: BY_RESULTS.has(rule) ? fields["on-change"] : "keep",
    issue: issue === "after_notice" ? { type: issue, days: Number(fields.days), seconds: Number(fields.seconds), confirm: fields.confirm } : { type: issue },
    draft: Boolean(fields.draft),
  };
}
