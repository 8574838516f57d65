// Fair play: attempts that a person should look at, verdicts about them, and disqualifications.
import { alsoWords } from "../parts/language.js";
import { asksFirst, change, conflicted, consequences } from "../parts/organise-changing.js";
import { progress, until } from "../parts/organise-waiting.js";
import { back, path } from "../parts/organise-quiz.js";
import { organise, organiseAll, showToOrganisers } from "../parts/organiser.js";
import { announce, button, choice, field, form, html, loading, nothing, t, update } from "../parts/page.js";
import { moment } from "../parts/times.js";

await alsoWords("organise-contest-marks");

const PAGE = 20;
const VERDICTS = ["fair", "unfair", "open"];
let found = null;
let flags = [];
let verdict = "";
let decided = [];
// {participant_id, attempt_ids}: who is about to be disqualified.
let about = null;

await showToOrganisers(() => t("ways.fairness"), body, load);

async function load() {
  await Promise.all([readFlags(), readDecided()]);
  follow();
}

async function readFlags(after = "") {
  const asked = new URLSearchParams({ limit: PAGE, ...(verdict ? { verdict } : {}), ...(after ? { after } : {}) });
  found = await organise("quiz", `${path}/flags?${asked}`);
  flags = after ? [...flags, ...found.flags] : found.flags;
}

async function readDecided() {
  decided = await organiseAll("quiz", `${path}/disqualifications`, "disqualifications");
}

function underWay() {
  return found.examination.due || found.examination.percent !== null;
}

async function follow() {
  await until(() => !underWay(), () => readFlags());
  update();
}

function body() {
  if (!found) return loading();
  const { examination } = found;
  return html`
    ${back()}
    ${conflicted(load)}
    <p><strong>${t("fairness.proves-nothing")}</strong> ${t("fairness.explained")}</p>
    <p>${examination.made_at ? t("fairness.made", { at: moment(examination.made_at), n: examination.attempts }) : t("fairness.never")}</p>
    ${underWay() ? progress(t("fairness.examining"), examination.percent) : button(t("fairness.examine"), examine)}
    <h2>${t("fairness.flags")}</h2>
    ${choice("verdict", t("fairness.which"), [["", t("fairness.which-all")], ...VERDICTS.map((one) => [one, t(`verdict.${one}`)])], { value: verdict, changed: switchVerdict })}
    ${flags.length ? flags.map(card) : html`<p>${t("fairness.none")}</p>`}
    ${found.after ? button(t("fairness.more"), () => readFlags(found.after)) : nothing}
    <h2>${t("fairness.decided")}</h2>
    ${disqualify()}
    ${decided.length ? html`<ul class="cards">${decided.map(decisions)}</ul>` : html`<p>${t("fairness.nobody")}</p>`}
  `;
}

async function examine() {
  found = { ...found, examination: await organise("quiz", `${path}/flags`, { method: "POST", again: true }) };
  follow();
}

async function switchVerdict(value) {
  verdict = value;
  await readFlags();
}

function card(flag) {
  const id = `flag-${flag.flag_id}`;
  return html`<section class="card" aria-labelledby=${id}>
    <h3 id=${id}>${t(`flag.${flag.kind}`)}</h3>
    <p>${flag.explanation}</p>
    <ul>${flag.who.map((one) => html`<li><code>${one.participant_id}</code>
      ${button(t("fairness.decide"), async () => decideAbout(one.participant_id, one.attempt_id), { name: t("fairness.decide-about", { id: one.participant_id }) })}</li>`)}</ul>
    ${flag.judgement ? html`<p>${t("fairness.judged", { verdict: t(`verdict.${flag.judgement.verdict}`), by: flag.judgement.by, at: moment(flag.judgement.at) })} ${flag.judgement.note}</p>` : nothing}
    ${form(html`
      ${choice(`${id}-verdict`, t("fairness.verdict"), VERDICTS.map((one) => [one, t(`verdict.${one}`)]), { value: flag.judgement?.verdict ?? "fair" })}
      ${field(`${id}-note`, t("fairness.note"), { value: flag.judgement?.note ?? "", maxlength: 500 })}`, t("fairness.save"), (fields) => judge(flag, fields), { kind: "plain" })}
  </section>`;
}

async function judge(flag, fields) {
  const id = `flag-${flag.flag_id}`;
  const address = `${path}/flags/${encodeURIComponent(flag.flag_id)}`;
  const { content, tag } = await organise("quiz", address, { as: "tagged" });
  // The list has no versions. If somebody has judged the flag since it was read, their verdict is shown, and nothing is saved.
  if (flag.judgement?.at !== content.judgement?.at) {
    shown(content);
    return announce(t("fairness.judged-since"));
  }
  const body = { verdict: fields[`${id}-verdict`], note: fields[`${id}-note`].trim() };
  shown(await change("quiz", `${address}/verdict`, { method: "POST", body, tag }));
  announce(t("fairness.saved"));
}

function shown(flag) {
  flags = flags.map((one) => (one.flag_id === flag.flag_id ? flag : one));
}

function decideAbout(participant_id, attempt_ids) {
  about = { participant_id, attempt_ids };
  update();
  document.querySelector("main .next").focus();
}

function disqualify() {
  if (!about) return html`<p>${button(t("fairness.disqualify-open"), async () => decideAbout("", ""))}</p>`;
  return html`<section class="card next" tabindex="-1" aria-labelledby="about">
    <h3 id="about">${t("fairness.disqualify")}</h3>
    <ul><li>${t("fairness.sure-rank")}</li><li>${t("fairness.sure-told")}</li><li>${t("fairness.sure-awards")}</li><li>${t("fairness.sure-back")}</li></ul>
    ${form(html`
      ${field("participant", t("fairness.participant"), { value: about.participant_id, required: true, maxlength: 64, hint: t("fairness.participant-hint") })}
      ${field("attempts", t("fairness.attempts"), { value: about.attempt_ids, hint: t("fairness.attempts-hint"), maxlength: 2000 })}
      ${field("reason", t("fairness.reason"), { required: true, maxlength: 200, hint: t("fairness.reason-hint") })}`,
      t("fairness.disqualify-now"), (fields) => decide("disqualifications", fields), { kind: "danger" })}
    <p>${button(t("ask.keep"), async () => (about = null))}</p>
  </section>`;
}

async function decide(what, { participant, attempts = "", reason }) {
  const ids = attempts.split(/[\s,，]+/).filter(Boolean);
  const body = { participant_id: participant.trim(), attempt_ids: ids.length ? ids : null, reason: reason.trim() };
  await change("quiz", `${path}/${what}`, { method: "POST", body });
  about = null;
  await readDecided();
  announce(t(what === "disqualifications" ? "fairness.disqualified" : "fairness.reinstated"));
}

function decisions(one) {
  const holds = one.disqualified || one.attempt_ids.length;
  return html`<li class="card">
    <h3><code>${one.participant_id}</code></h3>
    <p><strong class=${holds ? "bad" : "good"}>${t(one.disqualified ? "fairness.whole" : holds ? "fairness.some" : "fairness.counts", { n: one.attempt_ids.length })}</strong></p>
    <ul>${one.decisions.map((decision) => html`<li>${moment(decision.at)} · ${decision.who} · ${decision.reason}</li>`)}</ul>
    ${holds ? reinstate(one) : nothing}
  </li>`;
}

function reinstate(one) {
  const name = `back-${one.participant_id}`;
  return asksFirst(name, t("fairness.reinstate"), {
    about: () => html`
      ${consequences(t("fairness.reinstate-sure"), [t("fairness.reinstate-rank"), t("fairness.sure-told")])}
      ${field(`${name}-reason`, t("fairness.reason"), { required: true, maxlength: 200, hint: t("fairness.reason-hint") })}`,
    go: t("fairness.reinstate-now"),
    kind: "plain",
    work: (fields) => decide("reinstatements", { participant: one.participant_id, reason: fields[`${name}-reason`] }),
  });
}
