// A contest as a draft: its rules, its questions, and its publication. Or one that nobody has begun yet.
import { Refused } from "../parts/api.js";
import { alsoWords } from "../parts/language.js";
import { asksFirst, change, conflicted, consequences } from "../parts/organise-changing.js";
import { numberField, timeField } from "../parts/organise-fields.js";
import { choosing, emptyBank, readTopics } from "../parts/organise-choosing.js";
import { Pool } from "../parts/organise-pool.js";
import { addressOf, onlyRead, pathOf, quizId } from "../parts/organise-quiz.js";
import { ofField, toField } from "../parts/organise-times.js";
import { mayChange, organise, showToOrganisers } from "../parts/organiser.js";
import { announce, choice, field, form, html, loading, nothing, t, update } from "../parts/page.js";
import { inWords, moment } from "../parts/times.js";
import { WEEK } from "../parts/week.js";

await alsoWords("organise-contest-edit");
await alsoWords("organise-bank-terms");

const DAY_MS = 24 * 3600 * 1000;
const ID_PATTERN = /^[a-z0-9][a-z0-9-]{0,63}$/;
let id = quizId;
// {content, tag}: as it is stored; null: it is not stored yet.
let stored = null;
let isPublished = false;
let quiz = null;
let pool = null;
let changedSince = false;
// The name in the address of a new contest, which nobody has to think of.
const proposed = `contest-${toField(new Date()).replace(/\D/g, "")}`;

await showToOrganisers(() => (id ? t("drafting.title") : t("contests.new")), body, async () => {
  if (!mayChange()) return;
  await Promise.all([readTopics(), id ? read() : fresh()]);
});

async function read() {
  const draft = await organise("quiz", `${pathOf(id)}/draft`, { as: "tagged" }).catch((error) => {
    if (error instanceof Refused && error.code === "draft_unknown") return null;
    throw error;
  });
  isPublished = !draft;
  stored = draft ?? (await organise("quiz", `${pathOf(id)}/definition`, { as: "tagged" }));
  take(stored.content);
}

function take(content) {
  quiz = content;
  pool = new Pool(content);
  changedSince = false;
}

/** Sensible rules for a contest of a week, from tomorrow morning on. */
function fresh() {
  const day = (days, clock) => ofField(`${toField(new Date(Date.now() + days * DAY_MS)).slice(0, 10)}T${clock}`);
  take({
    title: "",
    opens_at: day(1, "08:00"),
    closes_at: day(8, "20:00"),
    timezone: WEEK.timezone,
    duration_seconds: 1200,
    grace_seconds: 5,
    attempts_per_day: 1,
    admits: "verified",
    shows_scores: "at_close",
    ties: "time_used",
    counts: "best",
    pass_percent: 60,
    papers: 512,
  });
}

function body() {
  if (!mayChange()) return onlyRead();
  if (!quiz) return loading();
  return html`
    <p><a href="/organise-contest">${t("ways.all")}</a></p>
    ${stored ? conflicted(async () => location.reload()) : nothing}
    ${isPublished ? html`<p class="fair">${t("drafting.is-published")}</p>` : nothing}
    ${stored ? nothing : emptyBank()}
    <div @input=${changedNow}>
      ${form(html`${rules()} ${choosing(pool, changedNow)}`, t(isPublished ? "drafting.save-published" : "drafting.save"), save)}
    </div>
    ${stored ? next() : html`<p>${t("drafting.save-first")}</p>`}
  `;
}

function changedNow() {
  changedSince = true;
  update();
}

function rules() {
  return html`
    <h2>${t("drafting.rules")}</h2>
    ${field("title", t("drafting.name"), { value: quiz.title, required: true, maxlength: 200 })}
    ${stored ? nothing : field("id", t("drafting.id"), { value: proposed, required: true, maxlength: 64, hint: t("drafting.id-hint") })}
    ${timeField("opens", t("drafting.opens"), { value: quiz.opens_at, required: true, hint: t("running.local-time") })}
    ${timeField("closes", t("drafting.closes"), { value: quiz.closes_at, required: true, hint: t("running.local-time") })}
    ${numberField("minutes", t("drafting.minutes"), { value: quiz.duration_seconds / 60, min: 0.5, max: 1440, step: "any" })}
    ${numberField("attempts", t("drafting.attempts"), { value: quiz.attempts_per_day, min: 1, max: 20 })}
    ${numberField("pass", t("drafting.pass"), { value: quiz.pass_percent, max: 100 })}
    ${choice("admits", t("drafting.admits"), ["anyone", "verified", "roster"].map((one) => [one, t(`admits.${one}`)]), { value: quiz.admits })}
    ${choice("scores", t("drafting.scores"), ["at_close", "at_once"].map((one) => [one, t(`drafting.scores-${one}`)]), { value: quiz.shows_scores })}
    <details>
      <summary>${t("drafting.more")}</summary>
      ${choice("counts", t("drafting.counts"), ["best", "first", "last"].map((one) => [one, t(`drafting.counts-${one}`)]), { value: quiz.counts })}
      ${choice("ties", t("drafting.ties"), ["time_used", "earlier_finish", "shared"].map((one) => [one, t(`drafting.ties-${one}`)]), { value: quiz.ties })}
      ${numberField("papers", t("drafting.papers"), { value: quiz.papers, min: 1, max: 4096, hint: t("drafting.papers-hint") })}
      ${numberField("least", t("drafting.least"), { value: quiz.least_plausible_seconds ?? "", min: 1, required: false, hint: t("drafting.least-hint") })}
      ${numberField("grace", t("drafting.grace"), { value: quiz.grace_seconds, max: 60, hint: t("drafting.grace-hint") })}
    </details>
  `;
}

function definitionOf(fields) {
  return {
    ...quiz,
    title: fields.title.trim(),
    opens_at: ofField(fields.opens),
    closes_at: ofField(fields.closes),
    duration_seconds: Math.round(Number(fields.minutes) * 60),
    grace_seconds: Number(fields.grace),
    attempts_per_day: Number(fields.attempts),
    pass_percent: Number(fields.pass),
    admits: fields.admits,
    shows_scores: fields.scores,
    counts: fields.counts,
    ties: fields.ties,
    papers: Number(fields.papers),
    least_plausible_seconds: fields.least ? Number(fields.least) : null,
    ...pool.definition,
  };
}

async function save(fields) {
  if (!pool.onPaper) throw new Refused(422, { detail: t("drafting.no-questions") });
  if (!stored && !ID_PATTERN.test(fields.id.trim())) throw new Refused(422, { detail: t("drafting.id-hint") });
  const name = stored ? id : fields.id.trim();
  const content = definitionOf(fields);
  const { tag } = await change("quiz", `${pathOf(name)}${isPublished ? "" : "/draft"}`, { method: "PUT", body: content, tag: stored?.tag, isNew: !stored, as: "tagged" }).catch((error) => {
    // There is nothing older to load: only the name is taken.
    throw !stored && error.status === 412 ? new Refused(409, { detail: t("drafting.id-taken") }) : error;
  });
  id = name;
  stored = { content, tag };
  take(content);
  history.replaceState(null, "", addressOf("organise-contest-edit", id));
  announce(t("drafting.saved"));
}

function next() {
  if (changedSince) return html`<p class="fair" role="status">${t("drafting.not-saved")}</p>`;
  return html`
    <h2>${t("drafting.next")}</h2>
    <p><a class="button" href=${addressOf("organise-contest-trial", id)}>${t("drafting.trial")}</a></p>
    ${isPublished ? html`<p><a class="button" href=${addressOf("organise-contest", id)}>${t("ways.back")}</a></p>` : html`${publish()} ${discard()}`}
  `;
}

function publish() {
  return asksFirst("publish", t("drafting.publish"), {
    about: () =>
      consequences(t("drafting.publish-sure"), [
        t("drafting.publish-when", { from: moment(quiz.opens_at), to: moment(quiz.closes_at) }),
        t("drafting.publish-paper", { n: pool.onPaper, of: pool.questions.length, time: inWords(quiz.duration_seconds) }),
        t("drafting.publish-before"),
        t("drafting.publish-after"),
        t("drafting.publish-later"),
      ]),
    go: t("drafting.publish-now"),
    kind: "main",
    work: async () => {
      await change("quiz", `${pathOf(id)}/draft/publish`, { method: "POST", tag: stored.tag });
      location.assign(addressOf("organise-contest", id));
    },
  });
}

function discard() {
  return asksFirst("discard", t("drafting.discard"), {
    about: () => consequences(t("drafting.discard-sure"), [t("drafting.discard-what", { n: pool.questions.length })]),
    go: t("drafting.discard-now"),
    work: async () => {
      await change("quiz", `${pathOf(id)}/draft`, { method: "DELETE", tag: stored.tag });
      location.assign("/organise-contest");
    },
  });
}
