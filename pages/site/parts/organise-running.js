// One contest while it runs: its state and figures, freeze, a later end, the close, and its cancellation.
import { Refused } from "./api.js";
import { asksFirst, change, conflicted, consequences } from "./organise-changing.js";
import { timeField } from "./organise-fields.js";
import { progress, until } from "./organise-waiting.js";
import { exports } from "./organise-exports.js";
import { addressOf, onlyRead, path, ways } from "./organise-quiz.js";
import { ofField } from "./organise-times.js";
import { mayChange, organise } from "./organiser.js";
import { announce, button, field, form, html, keepFresh, loading, nothing, t } from "./page.js";
import { now } from "./server-clock.js";
import { inWords, moment } from "./times.js";

const FRESH_SECONDS = 10;
const FIRST = 10;
// So long after the last answer may come, the service still opens a contest again. From then on it hands in.
const REOPEN_SECONDS = 10;
// In the words of a cancellation.
const LINE_CHARS_MAX = 200;
let quiz = null;
let board = null;
let figures = null;
let defined = null;
let cancellation = null;
let following = false;
// Acts so far: what was read before one and comes after it is older.
let acted = 0;

export const title = () => quiz?.title ?? t("organise.contest");

export async function load() {
  await keepFresh(read, FRESH_SECONDS);
}

async function read() {
  const before = acted;
  const found = await Promise.all([
    organise("quiz", path),
    organise("quiz", `${path}/standings?limit=${FIRST}`).catch(notShown),
    organise("quiz", `${path}/statistics?doubtful=true`),
  ]);
  if (before !== acted) return;
  [quiz, board, figures] = found;
  if (mayChange() && !defined) await readDefinition();
  if (quiz.status === "cancelled" && mayChange()) cancellation = await organise("quiz", `${path}/cancellation`);
  follow();
}

async function reload() {
  defined = null;
  await read();
}

/** A change of this contest. */
async function act(name, options = {}) {
  const done = await change("quiz", `${path}${name}`, { method: "POST", ...options });
  acted++;
  return done;
}

async function readDefinition() {
  [quiz, defined] = await Promise.all([organise("quiz", path), organise("quiz", `${path}/definition`, { as: "tagged" })]);
}

/** Points that come at the close are not for everybody's key before it. */
function notShown(error) {
  if (error instanceof Refused && error.status === 409) return null;
  throw error;
}

/** While it closes, its state is read often. */
async function follow() {
  if (quiz.status !== "closing" || following) return;
  following = true;
  await until(
    () => quiz.status !== "closing",
    async () => (quiz = await organise("quiz", path)),
  );
  following = false;
  if (quiz.status !== "closed") return;
  board = await organise("quiz", `${path}/standings?limit=${FIRST}`).catch(() => board);
  announce(t("running.is-final"));
}

export function body() {
  if (!quiz) return loading();
  return html`
    <p><a href="/organise-contest">${t("ways.all")}</a></p>
    ${conflicted(reload)}
    ${state()}
    ${onlyRead()}
    ${mayChange() ? acts() : nothing}
    <h2>${t("running.figures")}</h2>
    ${monitor()}
    <h2>${t("running.more")}</h2>
    ${ways()}
    <h2>${t("running.files")}</h2>
    ${exports()}
    ${mayChange() ? ends() : nothing}
  `;
}

function stateOf() {
  return quiz.status === "open" && Date.parse(quiz.opens_at) > Date.now() ? "soon" : quiz.status;
}

function state() {
  const now = stateOf();
  return html`<section class="card" data-status=${quiz.status} aria-labelledby="state">
    <h2 id="state">${t("running.state")}</h2>
    <p><strong class=${now === "open" || now === "closed" ? "good" : "fair"}>${t(`contest.${now}`)}</strong> · <span class="time">${moment(quiz.opens_at)} – ${moment(quiz.closes_at)}</span></p>
    ${quiz.status === "closing" ? progress(t("running.closing")) : nothing}
    ${quiz.status === "closed" ? html`<p><strong>${t("running.final")}</strong></p>` : nothing}
    ${cancellation ? html`<p>${t("running.cancelled-for", { text: cancellation.text, at: moment(cancellation.cancelled_at) })}</p>
      ${cancellation.finished ? html`<p>${t("running.all-told")}</p>` : progress(t("running.telling"), cancellation.told_percent)}` : nothing}
    <p>${t("contest.questions", { n: quiz.questions, points: quiz.points_max })} · ${t("contest.time", { time: inWords(quiz.duration_seconds) })} ·
      ${t("contest.pass", { percent: quiz.pass_percent })} · ${t(`admits.${quiz.admits}`)} · ${t(`contest.scores-${quiz.shows_scores}`)}</p>
  </section>`;
}

function monitor() {
  if (!board) return html`<p>${t("running.not-shown", { at: moment(quiz.closes_at) })}</p>`;
  return html`
    <dl>
      <dt>${t("running.people")}</dt><dd><strong class="score">${board.participants}</strong></dd>
      ${figures.made_at ? html`<dt>${t("running.results", { at: moment(figures.made_at) })}</dt><dd>${figures.attempts}</dd>
        <dt>${t("running.doubtful")}</dt><dd>${figures.questions.length} ${figures.questions.length ? html`<a href=${addressOf("organise-contest-statistics")}>${t("running.look")}</a>` : nothing}</dd>` : nothing}
    </dl>
    <p class="quiet">${t("running.fresh", { n: FRESH_SECONDS })} ${board.frozen_at ? t("standings.frozen", { at: moment(board.frozen_at) }) : nothing}</p>
    ${board.standings.length ? table() : html`<p>${t("standings.none")}</p>`}
  `;
}

function table() {
  return html`<table>
    <caption class="quiet">${t("running.first", { n: FIRST })}</caption>
    <thead><tr><th scope="col">${t("standings.rank")}</th><th scope="col">${t("standings.who")}</th><th scope="col">${t("standings.points")}</th><th scope="col">${t("standings.time")}</th></tr></thead>
    <tbody>${board.standings.map((one) => html`<tr><td>${one.rank}</td><td>${one.alias}</td><td>${one.points}</td><td>${inWords(one.time_used_seconds)}</td></tr>`)}</tbody>
  </table>`;
}

function acts() {
  const now = stateOf();
  if (now === "open") return html`${close()} ${freeze()} ${extend()}`;
  if (now === "closing") return reopen();
  if (now === "soon") return html`<h2>${t("running.before")}</h2><p><a class="button" href=${addressOf("organise-contest-edit")}>${t("running.edit")}</a></p>${extend()}`;
  return nothing;
}

function close() {
  return html`<h2>${t("running.end")}</h2>
    <p>${t("running.ends-itself", { at: moment(quiz.closes_at) })}</p>
    ${asksFirst("close", t("running.close"), {
      about: () => consequences(t("running.close-sure"), [
        t("running.close-nobody"),
        t("running.close-saved", { seconds: (defined?.content.grace_seconds ?? 0) + 2 }),
        t("running.close-people", { n: board?.participants ?? 0 }),
        t(quiz.shows_scores === "at_close" ? "running.close-results" : "running.close-final"),
        t("running.close-back"),
      ]),
      go: t("running.close-now"),
      work: async () => {
        const { status, closes_at } = await act("/close");
        quiz = { ...quiz, status, closes_at };
        announce(t("running.closes"));
        follow();
      },
    })}`;
}

function reopen() {
  if (!defined || Date.parse(defined.content.closes_at) <= now()) return nothing;
  if (now() > Date.parse(quiz.closes_at) + (defined.content.grace_seconds + REOPEN_SECONDS) * 1000) return nothing;
  return html`<h2>${t("running.reopen")}</h2>
    <p>${t("running.reopen-hint")}</p>
    <p>${button(t("running.reopen"), async () => {
      quiz = await act("/reopen");
      announce(t("running.reopened", { at: moment(quiz.closes_at) }));
    })}</p>`;
}

function freeze() {
  if (!board) return nothing;
  const turn = (way, told) => async () => {
    const { frozen_at } = await act(`/standings/${way}`);
    board = { ...board, frozen_at };
    announce(t(told));
  };
  return html`<h2>${t("standings.title")}</h2>
    ${board.frozen_at
      ? html`<p><strong class="fair">${t("standings.frozen", { at: moment(board.frozen_at) })}</strong> ${t("running.frozen-hint")}</p>
          <p>${button(t("running.thaw"), turn("thaw", "running.thawed"))}</p>`
      : html`<p>${t(quiz.shows_scores === "at_close" ? "running.freeze-hidden" : "running.freeze-hint")}</p><p>${button(t("running.freeze"), turn("freeze", "running.froze"))}</p>`}`;
}

function extend() {
  return html`<h2>${t("running.extend")}</h2>
    <p>${t("running.extend-hint")}</p>
    ${form(timeField("later", t("running.new-end"), { value: quiz.closes_at, required: true, hint: t("running.local-time") }), t("running.extend"), async ({ later }) => {
      const moved = await act("/extend", { body: { closes_at: ofField(later) }, tag: defined?.tag, as: "tagged" });
      quiz = moved.content;
      defined = { content: { ...defined.content, closes_at: quiz.closes_at }, tag: moved.tag };
      announce(t("running.extended", { at: moment(quiz.closes_at) }));
    }, { kind: "plain" })}`;
}

function ends() {
  if (quiz.status === "closed" || quiz.status === "cancelled") return nothing;
  return html`<h2>${t("running.cancel-title")}</h2>
    <p>${t("running.cancel-hint")}</p>
    ${asksFirst("cancel", t("running.cancel"), {
      about: () => html`
        ${consequences(t("running.cancel-sure"), [t("running.cancel-nobody"), t("running.cancel-people", { n: board?.participants ?? 0 }), t("running.cancel-awards"), t("running.cancel-for-good")])}
        ${field("why", t("running.cancel-text"), { required: true, maxlength: LINE_CHARS_MAX, hint: t("running.cancel-text-hint") })}`,
      go: t("running.cancel-now"),
      work: async ({ why }) => {
        cancellation = await act("/cancel", { body: { text: why.trim() } });
        quiz = { ...quiz, status: "cancelled" };
        announce(t("running.cancelled"));
      },
    })}
    <h2>${t("running.remove-title")}</h2>
    <p>${t("running.remove-hint")}</p>
    ${asksFirst("remove", t("running.remove"), {
      about: () => consequences(t("running.remove-sure"), [t("running.remove-all"), t("running.cancel-for-good")]),
      go: t("running.remove-now"),
      work: async () => {
        await act("", { method: "DELETE", tag: defined?.tag });
        location.assign("/organise-contest");
      },
    })}`;
}
