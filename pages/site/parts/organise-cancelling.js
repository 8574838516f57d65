// Cancelling sessions: how many people are told, and in which words.
import { organise } from "./organiser.js";
import { asksFirst, change } from "./organise-changing.js";
import { announce, choice, field, html, nothing, t } from "./page.js";
import { alsoWords } from "./language.js";
import { moment } from "./times.js";

await alsoWords("organise-programme");

const REASONS = ["weather", "venue", "speaker", "too_few", "other"];
// Whoever has come in is not told any more.
const TOLD = ["held", "offered", "confirmed", "waitlisted"];
// Registrations that are told, by session, as of the moment of the question.
let told = null;

/** How many registrations of a session, as statistics have it, are in one of these statuses. */
export function registrationsOf(counts, statuses) {
  return statuses.reduce((sum, one) => sum + (counts?.by_status[one]?.registrations ?? 0), 0);
}

/** A session or an activity whose places are still to come: else there is nobody to tell. */
export function isAhead(session) {
  return session.state === "planned" && !session.draft && Date.parse(session.ends_at) > Date.now();
}

export function cancelSession(activity, session, reload) {
  return cancelling(`/sessions/${encodeURIComponent(session.session_id)}/cancel`, t("cancel.session"), activity, [session], reload);
}

export function cancelActivity(activity, reload) {
  const ahead = activity.sessions.filter(isAhead);
  return cancelling(`/activities/${encodeURIComponent(activity.activity_id)}/cancel`, t("cancel.activity"), activity, ahead, reload);
}

function cancelling(path, words, activity, sessions, reload) {
  const before = async () => {
    const { sessions: counted } = await organise("registration", `/activities/${encodeURIComponent(activity.activity_id)}/statistics`);
    const ids = new Set(sessions.map((one) => one.session_id));
    told = counted.filter((one) => ids.has(one.session_id)).reduce((sum, one) => sum + registrationsOf(one, TOLD), 0);
  };
  const work = async ({ reason, text }) => {
    await change("registration", path, { method: "POST", body: { reason, text: text.trim() || null } });
    await reload();
    announce(t("cancel.done", { n: told }));
  };
  const name = `${words}: ${activity.title} ${sessions.length === 1 ? moment(sessions[0].starts_at) : ""}`;
  return asksFirst(path, words, { about: () => question(activity, sessions), go: t("cancel.now"), before, work, name });
}

function question(activity, sessions) {
  const [first] = sessions;
  return html`
    <p><strong>${t("cancel.told", { n: told, sessions: sessions.length })}</strong> ${t("cancel.for-good")}</p>
    ${choice("reason", t("cancel.reason"), REASONS.map((one) => [one, t(`cancel-reason.${one}`)]))}
    ${field("text", t("cancel.text"), { maxlength: 200, hint: t("cancel.text-hint") })}
    ${first
      ? html`<details>
          <summary>${t("cancel.words-shown")}</summary>
          <p class="text">${t("cancel.words", { title: activity.title, at: moment(first.starts_at), venue: first.venue })}</p>
        </details>`
      : nothing}
  `;
}
