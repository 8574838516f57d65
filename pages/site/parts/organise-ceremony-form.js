// What a ceremony is, and the order in which awards are called. Each change is saved at once, as one whole.
import { alsoWords } from "./language.js";
import { act, change } from "./organise-changing.js";
import { numberField } from "./organise-fields.js";
import { idField, newId } from "./organise-ids.js";
import { linesOf } from "./lines.js";
import { mayChange } from "./organiser.js";
import { announce, area, button, choice, field, form, html, nothing, t } from "./page.js";
import { moment } from "./times.js";

await alsoWords("organise-ceremonies");

const GROUP = 10;
const proposedId = newId("ceremony");
// The item that is being changed, by its place; the number of items: a new one. Null: none.
let editing = null;
let naming = false;

/** A new ceremony with its first item. `saved` gets its id. */
export function newCeremony({ schemes, activities, saved, cancelled }) {
  const save = async (said) => {
    const id = said["ceremony-id"].trim();
    await change("awards", pathOf(id), { method: "PUT", isNew: true, body: { ...termsOf(said), items: [itemOf(said)] } });
    await saved(id);
  };
  return html`
    ${form(
      html`${terms(null, activities)} ${idField("ceremony-id", proposedId)}
        <h3>${t("ceremony.first-item")}</h3>
        ${itemFields(null, schemes)}`,
      t("ceremony.create"),
      save,
    )}
    ${button(t("form.cancel"), async () => cancelled())}
  `;
}

export function pathOf(id) {
  return `/ceremonies/${encodeURIComponent(id)}`;
}

function terms(ceremony, activities) {
  const sessions = activities.flatMap((one) => one.sessions.map((session) => [session.session_id, `${one.title} · ${moment(session.starts_at)}`]));
  return html`
    ${field("title", t("ceremony.title"), { value: ceremony?.title ?? "", required: true, maxlength: 200 })}
    ${field("title-en", t("ceremony.title-en"), { value: ceremony?.title_en ?? "", maxlength: 200 })}
    ${choice("session", t("ceremony.session"), [["", t("ceremony.no-session")], ...sessions], { value: ceremony?.session_id ?? "" })}
  `;
}

function termsOf(said) {
  return { title: said.title, title_en: said["title-en"].trim() || null, session_id: said.session || null };
}

function itemFields(item, schemes) {
  return html`
    ${choice("item-scheme", t("ceremony.scheme"), schemes.map((one) => [one.scheme_id, one.title]), { value: item?.scheme_id })}
    ${area("item-tiers", t("ceremony.tiers"), { value: (item?.tiers ?? []).join("\n"), hint: t("ceremony.tiers-hint"), rows: 3 })}
    ${choice("item-order", t("ceremony.order"), ["lowest_first", "highest_first"].map((one) => [one, t(`ceremony-order.${one}`)]), { value: item?.order ?? "lowest_first" })}
    ${numberField("item-size", t("ceremony.size"), { value: item?.group_size ?? GROUP, min: 1, max: 50 })}
    ${field("presenter", t("ceremony.presenter"), { value: item?.presenter ?? "", maxlength: 200, hint: t("ceremony.presenter-hint") })}
    ${field("item-notes", t("ceremony.notes"), { value: item?.notes ?? "", maxlength: 200, hint: t("ceremony.notes-hint") })}
  `;
}

function itemOf(said) {
  const tiers = linesOf(said["item-tiers"]);
  return {
    scheme_id: said["item-scheme"],
    tiers: tiers.length ? tiers : null,
    order: said["item-order"],
    group_size: Number(said["item-size"]),
    presenter: said.presenter.trim() || null,
    notes: said["item-notes"].trim() || null,
  };
}

/** The ceremony and its items. `saved` is called after each change, with the ceremony and its tag. */
export function ceremonyParts({ ceremony, tag, schemes, activities, saved }) {
  const put = async (changed) => {
    const answer = await change("awards", pathOf(ceremony.ceremony_id), { method: "PUT", tag, as: "tagged", body: { ...ceremony, ...changed } });
    editing = null;
    naming = false;
    await saved(answer.content, answer.tag);
    announce(t("scheme.saved"));
  };
  return html`
    <section aria-labelledby="about">
      <h2 id="about">${t("ceremony.about")}</h2>
      ${naming
        ? html`${form(terms(ceremony, activities), t("scheme.save"), (said) => put(termsOf(said)))} ${button(t("form.cancel"), async () => (naming = false))}`
        : html`<p>${ceremony.title_en ?? ""} ${sessionInWords(ceremony, activities)}</p> ${act(t("scheme.change"), async () => (naming = true), { name: t("ceremony.change") })}`}
    </section>
    <section aria-labelledby="items">
      <h2 id="items">${t("ceremony.items")}</h2>
      <ol>${ceremony.items.map((item, place) => html`<li>${editing === place ? itemForm(item, place) : itemCard(item, place)}</li>`)}</ol>
      ${mayChange() ? (editing === ceremony.items.length ? itemForm(null, editing) : button(t("ceremony.add"), async () => (editing = ceremony.items.length))) : nothing}
    </section>
  `;

  function itemForm(item, place) {
    const items = (said) => [...ceremony.items.slice(0, place), itemOf(said), ...ceremony.items.slice(place + 1)];
    return html`<div class="inset next" tabindex="-1">
      ${form(itemFields(item, schemes), t("scheme.save"), (said) => put({ items: items(said) }))}
      ${button(t("form.cancel"), async () => (editing = null))}
    </div>`;
  }

  function itemCard(item, place) {
    const title = schemes.find((one) => one.scheme_id === item.scheme_id)?.title ?? item.scheme_id;
    const others = ceremony.items.filter((_, other) => other !== place);
    const earlier = [...others.slice(0, place - 1), item, ...others.slice(place - 1)];
    return html`
      <p><strong>${title}</strong> ${item.tiers?.join(t("rule.and")) ?? ""} · ${t(`ceremony-order.${item.order}`)} · ${t("ceremony.at-once", { n: item.group_size })}
        ${item.presenter ? html`<br>${t("ceremony.presenter")}: ${item.presenter}` : nothing} ${item.notes ? html`<br>${item.notes}` : nothing}</p>
      <div class="row">
        ${act(t("scheme.change"), async () => (editing = place), { name: `${t("scheme.change")}: ${title}` })}
        ${place ? act(t("ceremony.earlier"), () => put({ items: earlier }), { name: `${t("ceremony.earlier")}: ${title}` }) : nothing}
        ${others.length ? act(t("ceremony.remove"), () => put({ items: others }), { name: `${t("ceremony.remove")}: ${title}` }) : nothing}
      </div>
    `;
  }
}

function sessionInWords(ceremony, activities) {
  if (!ceremony.session_id) return t("ceremony.without-session");
  const activity = activities.find((one) => one.sessions.some((session) => session.session_id === ceremony.session_id));
  return t("ceremony.with-session", { session: activity?.title ?? ceremony.session_id });
}
