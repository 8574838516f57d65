// One attempt as this device keeps it: the paper, the answers as they are given, and what has reached the service.
//
// Answers are stored here first. Saving and handing in are repeated until the service has answered, also after the
// page was closed and opened again. The tabs of a device share what is stored. Devices share what the service has: the
// revision of a save is the server's time in milliseconds, so the later one counts.
import { account } from "./account.js";
import { ask, Refused, Unreached } from "./api.js";
import { forget, names, randomName, store, stored, watch } from "./kept.js";
import { now } from "./server-clock.js";

const SAVE_SECONDS = 2;
const RETRY_SECONDS = 3;
const RETRY_SECONDS_MAX = 20;
const LOOK_SECONDS_MAX = 3;
// `deadline_at` is the last moment at which the service takes answers. What is sent then comes too late.
const SEND_SECONDS = 5;
// Near the end nothing waits for more.
const HASTE_SECONDS = 15;
// Refusals of a hand-in after which only the result can say what counts.
const DECIDED = new Set(["attempt_submitted", "attempt_late", "quiz_cancelled"]);

/** Start an attempt of whoever is signed in, or take up the open one. */
export async function start(quizId) {
  const { participant_id } = account();
  const name = nameOf(participant_id, quizId);
  const body = { device: device() };
  const paper = await ask("quiz", `/quizzes/${encodeURIComponent(quizId)}/attempts`, { method: "POST", body, again: true });
  const kept = stored(name);
  // The same attempt may have a later end now, and a new token.
  if (kept?.attempt_id === paper.attempt_id && kept.state === "open") store(name, { ...kept, ...paper });
  else store(name, { ...paper, participant_id, quiz_id: quizId, answers: {}, revision: 0, saved: 0, state: "open" });
  return new Attempt(name);
}

/** The attempt of a quiz that this device keeps of whoever is signed in, or null. */
export function keptAttempt(quizId) {
  const name = account() && nameOf(account().participant_id, quizId);
  return name && stored(name) ? new Attempt(name) : null;
}

/** What this device keeps of an attempt, also if its participant's sign-in has ended; or null. */
export function keptById(attemptId) {
  return names("attempt.").map(stored).find((kept) => kept?.attempt_id === attemptId) ?? null;
}

/** Hand in what an earlier page could not, whosever it is. */
export function finish() {
  for (const name of names("attempt.")) if (stored(name)?.state === "handing-in") new Attempt(name).send();
}

export class Attempt {
  constructor(name) {
    this.name = name;
    this.kept = stored(name);
    this.sending = null;
    this.failures = 0;
    // Whether the answers of other devices are known here.
    this.looked = false;
    this.trouble = null;
    this.changed = () => {};
    watch(name, () => this.refreshed());
    addEventListener("pageshow", (event) => event.persisted && this.refreshed());
  }

  /** When it must be handed in, in milliseconds since 1970 by the server's clock. */
  get endsAt() {
    return Date.parse(this.kept.deadline_at) - SEND_SECONDS * 1000;
  }

  get secondsLeft() {
    return (this.endsAt - now()) / 1000;
  }

  get isOpen() {
    return this.kept.state === "open";
  }

  /** "saved", "sending", or "kept": on this device alone, since the service cannot be reached. */
  get where() {
    if (this.kept.saved === this.kept.revision) return "saved";
    return this.failures ? "kept" : "sending";
  }

  /** Answer a question; no letters take the answer back. */
  answer(questionId, letters) {
    this.refresh();
    if (!this.isOpen) return;
    const { [questionId]: _, ...answers } = this.kept.answers;
    if (letters) answers[questionId] = letters;
    this.trouble = null;
    this.keep({ answers, revision: Math.max(this.kept.revision + 1, Math.floor(now())) });
    this.sendSoon(this.secondsLeft < HASTE_SECONDS ? 0 : SAVE_SECONDS);
  }

  /** Hand in what is answered. It goes on until the service has answered, however long that takes. */
  handIn() {
    this.refresh();
    if (!this.isOpen) return;
    this.keep({ state: "handing-in" });
    this.sending?.abort();
    this.send();
  }

  /** Go on with what an earlier page did not finish, and learn what another device has saved. */
  goOn() {
    this.sendSoon(0);
  }

  /** What another tab has stored. A hand-in that it cannot finish any more is finished here. */
  refreshed() {
    this.refresh();
    this.changed();
    if (this.kept.state === "handing-in") this.sendSoon(RETRY_SECONDS);
  }

  refresh() {
    const found = stored(this.name);
    if (found?.attempt_id === this.kept.attempt_id) this.kept = found;
  }

  /** Change what is kept, unless it is another attempt by now. */
  keep(changes) {
    const found = stored(this.name);
    if (found && found.attempt_id !== this.kept.attempt_id) return;
    this.kept = { ...(found ?? this.kept), ...changes };
    store(this.name, this.kept);
    this.changed();
  }

  sendSoon(seconds) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), seconds * 1000);
  }

  /** Send what the service has not got yet: the answers so far, or the hand-in. */
  async send() {
    if (this.sending && !this.sending.signal.aborted) return;
    const sending = (this.sending = new AbortController());
    this.refresh();
    let again = false;
    try {
      if (this.kept.state === "handing-in") await this.sendHandIn(sending.signal);
      else if (this.isOpen) await this.sendAnswers(sending.signal);
      this.failures = 0;
      again = this.isOpen && this.kept.saved !== this.kept.revision;
    } catch (error) {
      // A hand-in has taken its place.
      if (sending.signal.aborted) return;
      again = this.failed(error);
    }
    if (this.sending === sending) this.sending = null;
    this.changed();
    if (again) this.sendSoon(this.failures ? Math.min(RETRY_SECONDS * this.failures, RETRY_SECONDS_MAX) : SAVE_SECONDS);
  }

  async sendAnswers(signal) {
    if (!this.looked) await this.look(signal);
    const { attempt_id, attempt_token, answers, revision, saved } = this.kept;
    if (saved === revision) return;
    const body = { answers, revision };
    await ask("quiz", `/attempts/${attempt_id}/answers`, { method: "PUT", body, token: attempt_token, tries: 1, signal });
    this.keep({ saved: Math.max(this.kept.saved, revision) });
  }

  async sendHandIn(signal) {
    // Another device may have answered more. Without an answer in time what is here counts.
    if (!this.looked) await this.look(signal).catch(() => {});
    const { attempt_id, attempt_token, answers } = this.kept;
    const options = { method: "POST", body: { answers }, token: attempt_token, again: true, tries: 1, signal };
    this.decided(await ask("quiz", `/attempts/${attempt_id}/submission`, options));
  }

  /** Take over what another device has saved. The later change of a question wins, if it was saved as a whole. */
  async look(signal) {
    const { attempt_id, attempt_token } = this.kept;
    const found = await ask("quiz", `/attempts/${attempt_id}/answers`, { token: attempt_token, tries: 1, seconds: LOOK_SECONDS_MAX, signal });
    this.looked = true;
    this.refresh();
    const { answers, revision, saved } = this.kept;
    if (found.revision <= saved) return;
    if (saved === revision) this.keep({ answers: found.answers, revision: found.revision, saved: found.revision });
    else {
      const merged = found.revision > revision ? { ...answers, ...found.answers } : { ...found.answers, ...answers };
      this.keep({ answers: merged, revision: Math.max(found.revision, revision) + 1 });
    }
  }

  /** It is over: what is left on the device says only that, and not what was answered. */
  decided(receipt, refused = null) {
    const { attempt_id, participant_id, quiz_id, deadline_at } = this.kept;
    const found = stored(this.name);
    if (found && found.attempt_id !== attempt_id) return;
    this.kept = { attempt_id, participant_id, quiz_id, deadline_at, state: "handed-in", receipt, refused, saved: 0, revision: 0 };
    // On a device of several people nothing stays of who has left.
    if ((account()?.participant_id ?? participant_id) === participant_id) store(this.name, this.kept);
    else forget(this.name);
    this.changed();
  }

  /** Whether to try again. */
  failed(error) {
    const isFinal = error instanceof Refused && error.status < 500 && error.status !== 429;
    if (error instanceof Refused && error.code === "saves_too_fast") return true;
    if (isFinal && (DECIDED.has(error.code) || this.kept.state === "handing-in")) {
      this.decided(error.problem.receipt ?? null, error.code);
      return false;
    }
    this.failures += 1;
    if (isFinal) this.trouble = error.message;
    else if (!(error instanceof Refused || error instanceof Unreached)) console.error(error);
    return !isFinal;
  }
}

function nameOf(participantId, quizId) {
  return `attempt.${participantId}.${quizId}`;
}

/** A random token of this device. Organisers see which attempts share one; it refuses nobody. */
function device() {
  const kept = stored("device");
  if (kept) return kept;
  const made = randomName();
  store("device", made);
  return made;
}
