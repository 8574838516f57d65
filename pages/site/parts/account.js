// Who reads: the participant's token, kept on this device until its owner signs out.
import { forget, store, stored } from "./kept.js";

/** {participant_id, token, verified}, or null: nobody has signed in here. */
export function account() {
  return stored("account");
}

export function signedIn({ participant_id, token, verified }) {
  const before = account();
  if (before && before.participant_id !== participant_id) forget("bookings");
  store("account", { participant_id, token, verified: verified ?? before?.verified ?? false });
}

export function signedOut() {
  forget("account");
}

/** The address of the page to sign in, which leads back to this one. */
export function signInAddress() {
  const here = location.pathname + location.search;
  return here.startsWith("/sign-in") ? here : `/sign-in?next=${encodeURIComponent(here)}`;
}

/** Where to go after signing in: only a page of ours. */
export function nextAddress() {
  const next = new URLSearchParams(location.search).get("next") ?? "/me";
  const url = new URL(next, location.origin);
  return url.origin === location.origin ? url.pathname + url.search : "/me";
}
