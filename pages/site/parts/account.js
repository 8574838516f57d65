// Who reads: the participant's token, kept on this device until its owner signs out.
import { forget, names, store, stored, watch } from "./kept.js";

/** {participant_id, token, verified}, or null: nobody has signed in here. */
export function account() {
  return stored("account");
}

export function signedIn({ participant_id, token, verified }) {
  if (account()?.participant_id !== participant_id) forgetWeeks();
  store("account", { participant_id, token, verified: verified ?? account()?.verified ?? false });
}

/** The token is worth nothing any more, or its owner leaves. */
export function signedOut() {
  forget("account");
  forgetWeeks();
}

// Tickets that are kept to be shown without a network (own-week.js).
function forgetWeeks() {
  for (const name of names("week.")) forget(name);
}

/** Forget what a participant has answered here, except what still has to be handed in. */
export function forgetAnswers(participantId, { all = false } = {}) {
  for (const name of names(`attempt.${participantId}.`))
    if (all || stored(name)?.state !== "handing-in") forget(name);
}

/** Load the page anew when somebody else signs in or out: in another tab, or before the Back button was pressed. */
export function guard() {
  const before = account()?.participant_id;
  const look = () => account()?.participant_id !== before && location.reload();
  watch("account", look);
  addEventListener("pageshow", (event) => event.persisted && look());
}

/** The address of the page to sign in, which leads back to this one. */
export function signInAddress() {
  const here = location.pathname + location.search;
  return here.startsWith("/sign-in") ? here : `/sign-in?next=${encodeURIComponent(here)}`;
}

/** Where to go after signing in: only a page of ours. */
export function nextAddress() {
  try {
    const url = new URL(new URLSearchParams(location.search).get("next") ?? "/me", location.origin);
    // With the origin: a path that begins with two slashes would name another host.
    if (url.origin === location.origin) return url.origin + url.pathname + url.search;
  } catch {
    // No address at all.
  }
  return "/me";
}
