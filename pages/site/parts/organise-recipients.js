// Who holds awards: groups by their public names, people by their pseudonymous ids.
import { groupNames } from "./group-names.js";
import { html, t } from "./page.js";

let groups = new Map();

/** Read the names of groups. Without them the pages show ids. */
export async function knowGroups() {
  groups = await groupNames();
}

/** What a recipient is called; null was erased. */
export function nameOf(id) {
  return id === null ? t("recipient.erased") : (groups.get(id) ?? id);
}

export function who(id) {
  if (id === null) return html`<span class="quiet">${t("recipient.erased")}</span>`;
  return groups.has(id) ? html`${groups.get(id)} <small><code>${id}</code></small>` : html`<code>${id}</code>`;
}

/** What the field of a recipient proposes (`list` of `field`). */
export function groupProposals() {
  return html`<datalist id="groups">${[...groups].map(([id, name]) => html`<option value=${id}>${name}</option>`)}</datalist>`;
}
