// The standings on the large screen of a hall: live, frozen, and at the end place by place.
//
// The screen shows what everybody may see, so it asks without any key.
import { ask } from "../parts/api.js";
import { store, stored } from "../parts/kept.js";
import { alsoWords } from "../parts/language.js";
import { announce, attempt, button, html, loading, nothing, show, t, update } from "../parts/page.js";
import { isSecret, rowsOf } from "../parts/hall-reveal.js";
import { keepAwake } from "../parts/signals.js";
import { clock, duration, moment } from "../parts/times.js";

// So many rows are read from 20 m, if the screen is 3 m high.
const PLACES = 10;
const ASK_MS = 5000;
// Each copy of the service knows by then what has become of the contest.
const NOTICE_MS = 3000;
const quizId = new URLSearchParams(location.search).get("quiz") ?? "";
const path = `/quizzes/${encodeURIComponent(quizId)}`;
// Asked at once: the words come meanwhile.
let asked = ask("quiz", path, { token: null });
// Only `look` says what went wrong.
asked.catch(() => {});
await alsoWords("hall");

const NAME = `hall.${quizId}`;
// Of each key of a keyboard or of a presenter: what it does.
const KEYS = {
  ArrowRight: () => reveal(1),
  ArrowDown: () => reveal(1),
  PageDown: () => reveal(1),
  " ": () => reveal(1),
  Enter: () => reveal(1),
  ArrowLeft: () => reveal(-1),
  ArrowUp: () => reveal(-1),
  PageUp: () => reveal(-1),
  End: () => reveal(PLACES),
  f: fullScreen,
};

let quiz = null;
let board = null;
let stream = null;
// What the hall saw last before the end, and how many places are shown since; null: there is no secret.
let { frozen, revealed } = stored(NAME) ?? { frozen: null, revealed: null };

show(() => quiz?.title ?? t("hall.title"), body, { menu: menu(), footer: () => nothing });
document.addEventListener("keydown", pressed);
keepAwake();
await attempt(look);
setInterval(() => look().catch(() => {}), ASK_MS);

function menu() {
  const pages = [["standings", `/standings?quiz=${encodeURIComponent(quizId)}`, "hall.standings"]];
  // Whoever prepares the screen also needs the slides of the ceremony, which are a page of awards.
  return stored("organiser") ? [...pages, ["organise-awards", "/organise-awards", "hall.slides"]] : pages;
}

/** Ask now and then what has become of the contest, and for the standings while nothing streams. */
async function look() {
  if (board?.final || quiz?.status === "cancelled") return;
  const first = asked;
  asked = null;
  quiz = await (first ?? ask("quiz", path, { token: null }));
  const isWithheld = quiz.shows_scores === "at_close" && quiz.status !== "closed";
  if (!isWithheld && stream?.readyState !== EventSource.OPEN) {
    took(await ask("quiz", `${path}/standings?limit=${PLACES}`, { token: null }));
    listen();
  }
  update();
}

/** The standings as they change. When the stream ends for good, `look` goes on. */
function listen() {
  if (board.final || (stream && stream.readyState !== EventSource.CLOSED)) return;
  stream = new EventSource(`/api/quiz${path}/standings/live?limit=${PLACES}`);
  stream.addEventListener("standings", ({ data }) => took(JSON.parse(data)));
  stream.addEventListener("frozen", ({ data }) => took({ ...board, frozen_at: JSON.parse(data).frozen_at }));
  stream.addEventListener("thawed", () => took({ ...board, frozen_at: null }));
  for (const end of ["closed", "cancelled", "removed", "withheld"]) {
    stream.addEventListener(end, () => {
      stream.close();
      look().catch(() => {});
    });
  }
}

function took(next) {
  board = next;
  if (board.final) begin();
  else if (board.frozen_at) keep({ frozen: board.standings });
  else if (frozen) setTimeout(() => thawed().catch(() => {}), NOTICE_MS);
  update();
}

/** A freeze ends by an organiser, or by the end of the contest: then the hall goes on seeing what it saw. */
async function thawed() {
  const now = await ask("quiz", path, { token: null });
  if (now.status === "open" && !board.frozen_at && !board.final) keep({ frozen: null });
  update();
}

function begin() {
  stream?.close();
  if (revealed === null && isSecret(quiz, frozen)) keep({ revealed: 0 });
}

function keep(changes) {
  ({ frozen, revealed } = { frozen, revealed, ...changes });
  store(NAME, { frozen, revealed });
}

/** Show so many places more, or fewer. */
function reveal(places) {
  if (!board?.final || revealed === null) return;
  const before = revealed;
  keep({ revealed: Math.min(board.standings.length, Math.max(0, revealed + places)) });
  const newest = board.standings[board.standings.length - revealed];
  if (revealed > before && newest) announce(t("hall.revealed", { rank: newest.rank, alias: newest.alias, points: newest.points }));
  else announce("");
}

function pressed(event) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (event.ctrlKey || event.metaKey || event.altKey || !Object.keys(KEYS).includes(key)) return;
  // These keys press what has the focus.
  if ([" ", "Enter"].includes(key) && event.target.closest?.("a, button, summary")) return;
  event.preventDefault();
  // A key that is held down would show all places.
  if (!event.repeat) KEYS[key]();
}

function fullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen?.().catch(() => {});
}

function body() {
  if (!quiz) return loading();
  const rows = shownRows();
  return html`
    <p class="hall-state" data-state=${state()}>${stateInWords()}</p>
    ${rows?.length ? table(rows) : rows ? html`<p>${t("hall.none")}</p>` : nothing}
    <p class="row controls">
      ${board?.final && revealed !== null ? buttons() : nothing}
      ${board?.final && revealed === null && rows.length ? button(t("hall.again"), async () => keep({ revealed: 0 })) : nothing}
      ${button(t("hall.full-screen"), async () => fullScreen())}
    </p>
  `;
}

function buttons() {
  const all = revealed >= board.standings.length;
  return html`${button(t("hall.next"), async () => reveal(1), { kind: "main", disabled: all })}
    ${button(t("hall.back"), async () => reveal(-1), { disabled: revealed === 0 })}
    ${button(t("hall.all"), async () => reveal(PLACES), { disabled: all })}
    <small>${t("hall.keys")}</small>`;
}

/** What the hall sees: never the end before somebody presses a key. Null: there is nothing to see yet. */
function shownRows() {
  if (!board) return null;
  if (board.final && !(frozen && revealed === 0)) return rowsOf(board.standings, revealed, frozen);
  return rowsOf(frozen ?? board.standings, null, null);
}

function state() {
  if (quiz.status === "cancelled") return "cancelled";
  if (!board) return "withheld";
  if (board.final) return revealed !== null && revealed < board.standings.length ? "revealing" : "final";
  return frozen ? "frozen" : "live";
}

function stateInWords() {
  const now = state();
  if (now === "withheld") return t("hall.withheld", { at: moment(quiz.closes_at) });
  if (now === "revealing") return t("hall.revealing", { n: revealed, of: board.standings.length });
  if (now === "frozen") return board.frozen_at ? t("hall.frozen", { at: clock(board.frozen_at) }) : t("hall.counting");
  return t(`hall.${now}`, { n: board?.participants ?? 0 });
}

function table(rows) {
  const moves = rows.some((one) => one?.before !== undefined);
  return html`<table class="hall">
    <thead>
      <tr>
        <th scope="col">${t("standings.rank")}</th>
        <th scope="col">${t("standings.who")}</th>
        <th scope="col">${t("standings.points")}</th>
        <th scope="col">${t("standings.time")}</th>
        ${moves ? html`<th scope="col">${t("hall.before")}</th>` : nothing}
      </tr>
    </thead>
    <tbody>${rows.map((one) => (one ? row(one, moves) : hidden(moves)))}</tbody>
  </table>`;
}

function row(one, moves) {
  return html`<tr class="seen">
    <td>${one.rank}</td>
    <td>${one.alias}</td>
    <td>${one.points}</td>
    <td>${duration(one.time_used_seconds)}</td>
    ${moves ? html`<td>${one.before === null ? t("hall.new") : one.before}</td>` : nothing}
  </tr>`;
}

function hidden(moves) {
  return html`<tr data-hidden><td>?</td><td>${t("hall.hidden")}</td><td></td><td></td>${moves ? html`<td></td>` : nothing}</tr>`;
}
