// Ceremonies: all of them, or one (?id=) with its order, its script, who comes for whom, and the hall's link.
import { all } from "../parts/api.js";
import { ceremonyParts, newCeremony, pathOf } from "../parts/organise-ceremony-form.js";
import { loadScript, scriptOf } from "../parts/organise-ceremony-script.js";
import { awardPages } from "../parts/organise-award-pages.js";
import { asksFirst, change, conflicted } from "../parts/organise-changing.js";
import { knowGroups } from "../parts/organise-recipients.js";
import { mayChange, organise, organiseAll, showToOrganisers } from "../parts/organiser.js";
import { button, html, loading, nothing, t } from "../parts/page.js";

const MOST = 500;
const id = new URLSearchParams(location.search).get("id");
let ceremonies = null;
let ceremony = null;
let tag = null;
let schemes = [];
let activities = [];
let creating = false;

await showToOrganisers(() => ceremony?.title ?? t("pages.ceremonies"), body, load);

async function load() {
  [schemes, activities] = await Promise.all([
    organiseAll("awards", "/schemes", "schemes", MOST),
    all("registration", "/activities", "activities", MOST, { token: null }),
    knowGroups(),
  ]);
  if (id) {
    const found = await organise("awards", pathOf(id), { as: "tagged" });
    await loadScript(found.content);
    ({ content: ceremony, tag } = found);
  } else {
    ceremonies = await organiseAll("awards", "/ceremonies", "ceremonies", MOST);
  }
}

function body() {
  return html`${awardPages()} ${conflicted(load)} ${ceremony ? one() : ceremonies ? list() : loading()}`;
}

function list() {
  return html`
    <p>${t("ceremonies.explained")}</p>
    ${mayChange() ? creation() : nothing}
    ${ceremonies.length
      ? html`<ul class="cards">${ceremonies.map((each) => html`<li class="card"><a href="/organise-ceremonies?id=${encodeURIComponent(each.ceremony_id)}">${each.title}</a></li>`)}</ul>`
      : html`<p>${t("ceremonies.none")}</p>`}
  `;
}

function creation() {
  if (!schemes.length) return html`<p>${t("ceremonies.no-schemes")} <a href="/organise-awards">${t("pages.schemes")}</a></p>`;
  if (!creating) return html`<p>${button(t("ceremony.new"), async () => (creating = true), { kind: "main" })}</p>`;
  return html`<section class="card next" tabindex="-1" aria-labelledby="new">
    <h2 id="new">${t("ceremony.new")}</h2>
    ${newCeremony({
      schemes,
      activities,
      saved: (made) => location.assign(`/organise-ceremonies?id=${encodeURIComponent(made)}`),
      cancelled: () => (creating = false),
    })}
  </section>`;
}

function one() {
  return html`
    ${ceremonyParts({ ceremony, tag, schemes, activities, saved })} ${scriptOf(ceremony)}
    ${asksFirst("delete", t("ceremony.delete"), { about: () => html`<p>${t("ceremony.delete-sure", { title: ceremony.title })}</p>`, work: remove })}
    <p><a href="/organise-ceremonies">${t("ceremonies.all")}</a></p>
  `;
}

async function saved(changed, newTag) {
  [ceremony, tag] = [changed, newTag];
  await loadScript(ceremony);
}

async function remove() {
  await change("awards", pathOf(id), { method: "DELETE", tag });
  location.assign("/organise-ceremonies");
}
