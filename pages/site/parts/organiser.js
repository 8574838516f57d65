// The frame of organisers' pages: signing in by a key, their menu, and requests with the key.
import { all, ask, Refused } from "./api.js";
import { forget, store, stored } from "./kept.js";
import { alsoWords } from "./language.js";
import { attempt, field, form, html, nothing, show, t, update } from "./page.js";

await alsoWords("organise");

// A working day. After it the key is asked for again.
const KEPT_MS = 12 * 3600 * 1000;
const MENU = [
  ["organise", "/organise", "organise.overview"],
  ["organise-programme", "/organise-programme", "organise.programme"],
  ["organise-contest", "/organise-contest", "organise.contest"],
  ["organise-awards", "/organise-awards", "organise.awards"],
  ["organise-messages", "/organise-messages", "organise.messages"],
  ["organise-groups", "/organise-groups", "organise.groups"],
  ["organise-acts", "/organise-acts", "organise.acts"],
  ["door", "/door", "organise.door"],
];
// What the key cannot be used for any more.
const KEY_CODES = new Set(["organiser_key_wrong", "organiser_key_missing"]);

/** {key, name, role}, or null: nobody has signed in as an organiser here, or it is too long ago. */
export function organiser() {
  const kept = stored("organiser");
  return kept && Date.now() < kept.until ? kept : null;
}

/** Whether the key may change things: a viewer's key only reads, a door's only lets people in. */
export function mayChange() {
  return ["owner", "organiser"].includes(organiser()?.role);
}

/** `ask`, with the organiser's key. */
export async function organise(service, path, options = {}) {
  const headers = { ...options.headers, "x-organiser-key": organiser()?.key ?? "" };
  try {
    return await ask(service, path, { token: null, ...options, headers });
  } catch (error) {
    if (error instanceof Refused && KEY_CODES.has(error.code)) forget("organiser");
    throw error;
  }
}

/** `all`, with the organiser's key. */
export function organiseAll(service, path, list, most) {
  return all(service, path, list, most, { token: null, headers: { "x-organiser-key": organiser()?.key ?? "" } });
}

/**
 * Show a page for organisers; whoever has not signed in is asked for a key first.
 *
 * `load` is called once, as soon as there is a key. `menu`: see `show`.
 */
export async function showToOrganisers(title, body, load, { menu = MENU } = {}) {
  const loaded = async () => {
    await load();
    update();
  };
  show(title, () => (organiser() ? body() : signIn(loaded)), { menu, footer });
  if (organiser()) await attempt(loaded);
}

/** Give a file to the browser to keep, such as an export that was asked for with the key. */
export function download(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = Object.assign(document.createElement("a"), { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

function signIn(then) {
  return html`
    <p>${t("organise.sign-in")}</p>
    ${form(
      field("key", t("organise.key"), { type: "password", required: true, autocomplete: "off", maxlength: 200, hint: t("organise.key-hint") }),
      t("organise.go"),
      async ({ key }) => {
        const whose = await ask("registration", "/organiser", { token: null, headers: { "x-organiser-key": key.trim() } });
        store("organiser", { ...whose, key: key.trim(), until: Date.now() + KEPT_MS });
        await then();
      },
    )}
  `;
}

function footer() {
  const by = organiser();
  if (!by) return nothing;
  return html`<p>
    ${t("organise.by", { name: by.name, role: t(`role.${by.role}`) })} ·
    <button type="button" class="link" @click=${leave}>${t("sign-in.out")}</button>
  </p>`;
}

function leave() {
  forget("organiser");
  location.assign("/organise");
}
