// One attempt as this device keeps it: the paper, the answers as they are given, and what has reached the service.
//
// Answers are stored here first. Saving and handing in are repeated until the service has answered, also after the
// page was closed and opened again. Two tabs of one device share what is stored.
import { ask, Refused, Unreached } from "./api.js";
import { forget, names, store, stored } from "./kept.js";

const SAVE_SECONDS = 2;
const RETRY_SECONDS = 3;
const RETRY_SECONDS_MAX = 20;
// Refusals of a hand-in after which only the result can say what counts.
const DECIDED = new Set(["attempt_submitted", "attempt_late", "quiz_cancelled"]);

/** Start an attempt, or take up the open one. */
export async function start(quizId) {
  const body = { device: device() };
  const paper = await ask("quiz", `/quizzes/${encodeURIComponent(quizId)}/attempts`, { method: "POST", body, again: true });
  const kept = stored(nameOf(quizId));
  if (kept?.attempt_id === paper.attempt_id) return new Attempt(quizId);
  store(nameOf(quizId), { ...paper, quiz_id: quizId, answers: {}, revision: 0, saved: 0, state: "open" });
  const attempt = new Attempt(quizId);
  await attempt.takeUp();
  return attempt;
}

/** The attempt that this device has of a quiz, or null. */
export function keptAttempt(quizId) {
  return stored(nameOf(quizId)) ? new Attempt(quizId) : null;
}

/** The quizzes of which an attempt is kept here. */
export function keptQuizzes() {
  return names("attempt.").map((name) => name.slice("attempt.".length));
}

export class Attempt {
  constructor(quizId) {
    this.quizId = quizId;
    this.name = nameOf(quizId);
    this.kept = stored(this.name);
    this.sending = false;
    this.failures = 0;
    this.changed = () => {};
    addEventListener("storage", (event) => {
      if (event.key !== `kepu.${this.name}` || !event.newValue) return;
      this.kept = JSON.parse(event.newValue);
      this.changed();
    });
  }

  get deadline() {
    return Date.parse(this.kept.deadline_at);
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
    this.kept = stored(this.name) ?? this.kept;
    if (!this.isOpen) return;
    const { [questionId]: _, ...answers } = this.kept.answers;
    if (letters) answers[questionId] = letters;
    this.keep({ answers, revision: this.kept.revision + 1 });
    this.saveSoon(SAVE_SECONDS);
  }

  /** Hand in what is answered. It goes on until the service has answered, however long that takes. */
  handIn() {
    if (!this.isOpen) return;
    this.keep({ state: "handing-in" });
    this.send();
  }

  /** Go on with what an earlier page did not finish. */
  goOn() {
    if (this.kept.state === "handing-in" || this.where !== "saved") this.saveSoon(0);
  }

  /** From another device: the answers that were saved there. */
  async takeUp() {
    const saved = await ask("quiz", `/attempts/${this.kept.attempt_id}/answers`, { token: this.kept.attempt_token }).catch(() => null);
    if (saved && saved.revision > this.kept.revision)
      this.keep({ answers: saved.answers, revision: saved.revision, saved: saved.revision });
  }

  keep(changes) {
    this.kept = { ...this.kept, ...changes };
    store(this.name, this.kept);
    this.changed();
  }

  saveSoon(seconds) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), seconds * 1000);
  }

  /** Send what the service has not got yet: the answers so far, or the hand-in. */
  async send() {
    if (this.sending) return;
    this.sending = true;
    try {
      await (this.kept.state === "handing-in" ? this.sendHandIn() : this.sendAnswers());
      this.failures = 0;
    } catch (error) {
      this.failed(error);
    } finally {
      this.sending = false;
      this.changed();
    }
    if (this.kept.state === "handing-in" || (this.isOpen && this.where !== "saved"))
      this.saveSoon(this.failures ? Math.min(RETRY_SECONDS * this.failures, RETRY_SECONDS_MAX) : SAVE_SECONDS);
  }

  async sendAnswers() {
    const { attempt_id, attempt_token, answers, revision, saved } = this.kept;
    if (!this.isOpen || saved === revision) return;
    await ask("quiz", `/attempts/${attempt_id}/answers`, { method: "PUT", body: { answers, revision }, token: attempt_token, tries: 1 });
    this.keep({ saved: Math.max(this.kept.saved, revision) });
  }

  async sendHandIn() {
    const { attempt_id, attempt_token, answers } = this.kept;
    const receipt = await ask("quiz", `/attempts/${attempt_id}/submission`, { method: "POST", body: { answers }, token: attempt_token, again: true, tries: 1 });
    this.keep({ state: "handed-in", receipt });
  }

  failed(error) {
    if (error instanceof Refused && DECIDED.has(error.code)) {
      this.keep({ state: "handed-in", receipt: error.problem.receipt ?? null, refused: error.code });
    } else if (error instanceof Refused && error.code === "saves_too_fast") {
      // The next save comes by itself.
    } else if (error instanceof Refused && error.status < 500 && error.status !== 429) {
      this.keep({ trouble: error.message });
      this.failures += 1;
    } else if (error instanceof Refused || error instanceof Unreached) {
      this.failures += 1;
    } else {
      throw error;
    }
  }
}

/** Forget an attempt that is decided: its questions and answers need not stay on a shared device. */
export function forgetAttempt(quizId) {
  forget(nameOf(quizId));
}

function nameOf(quizId) {
  return `attempt.${quizId}`;
}

/** A random token of this device. Organisers see which attempts share one; it refuses nobody. */
function device() {
  const kept = stored("device");
  if (kept) return kept;
  const made = crypto.randomUUID();
  store("device", made);
  return made;
}
