// The programme as a list: all sessions by day, and what is searched for in them.
import { html, nothing, t } from "./page.js";
import { named } from "./language.js";
import { day } from "./times.js";
import { date } from "./week.js";

/** The sessions of all activities, each with its activity, the earliest first. */
export function sessionsOf(activities) {
  const sessions = activities.flatMap((activity) => activity.sessions.map((session) => ({ ...session, activity })));
  return sessions.sort((one, other) => one.starts_at.localeCompare(other.starts_at));
}

/** Whether all these words stand in what people see of a session. */
export function hasWords(session, words) {
  const { activity } = session;
  const seen = [activity.title, activity.summary, named("kind", activity.kind), activity.organiser, session.venue, session.district];
  const text = seen.join(" ").toLowerCase();
  return words.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** How many these are, and the cards of the first `most` below the days on which they begin. */
export function listed(sessions, card, most = Infinity) {
  const days = new Map();
  for (const one of sessions.slice(0, most)) {
    const key = date(one.starts_at);
    days.set(key, [...(days.get(key) ?? []), one]);
  }
  return html`
    <p role="status" class="quiet">${t("programme.count", { n: sessions.length })}</p>
    ${[...days].map(
      ([key, of]) => html`<section aria-labelledby="day-${key}">
        <h2 id="day-${key}">${day(of[0].starts_at)}</h2>
        <ul class="cards">
          ${of.map(card)}
        </ul>
      </section>`,
    )}
    ${sessions.length ? nothing : html`<p>${t("programme.none")}</p>`}
  `;
}
