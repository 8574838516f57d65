// Members of a group: found by words, and chosen for a booking.
import { button, html, nothing, t, update } from "./page.js";
import { spoken } from "./spoken.js";
import { describedBy, wrongWith } from "./wrong.js";

// More would take long to draw. Words find the others.
const SHOWN_MAX = 100;
let words = "";

/** The members whose name, department or number has all these words. */
export function found(members, words) {
  const wanted = words.toLowerCase().split(/\s+/);
  const text = (one) => `${one.name ?? ""} ${one.department ?? ""} ${one.number ?? ""}`.toLowerCase();
  return members.filter((one) => wanted.every((word) => text(one).includes(word)));
}

/** A field to search members by. */
export function memberSearch(id, value, changed) {
  return html`<p class="field">
    <label for=${id}>${t("groups.search")}</label>
    <input id=${id} type="search" .value=${value} @input=${(event) => (changed(event.target.value), update())}>
  </p>`;
}

/** A name with what tells members of one name apart. */
export function nameOf(member) {
  const rest = [member.department, member.number].filter(Boolean).join(" · ");
  return html`${spoken(member.name ?? t("groups.erased"))}${rest ? html` <small>${spoken(rest)}</small>` : nothing}`;
}

/** Choose members: `chosen` is the set of their ids, which this changes. */
export function memberChoice(members, chosen) {
  const shown = found(members, words);
  const set = (id, isChosen) => {
    if (isChosen) chosen.add(id);
    else chosen.delete(id);
    update();
  };
  return html`<fieldset id="member_ids" name="member_ids" tabindex="-1" aria-describedby=${describedBy("member_ids")}>
    <legend>${t("groups.chosen", { n: chosen.size })}</legend>
    ${wrongWith("member_ids")}
    ${memberSearch("choice-words", words, (value) => (words = value))}
    <div class="row">
      ${button(t("groups.choose-all", { n: shown.length }), async () => shown.forEach((one) => chosen.add(one.member_id)))}
      ${button(t("groups.choose-none"), async () => chosen.clear())}
    </div>
    ${shown.slice(0, SHOWN_MAX).map(
      (one) => html`<p class="check">
        <input type="checkbox" id="chosen-${one.member_id}" .checked=${chosen.has(one.member_id)} @change=${(event) => set(one.member_id, event.target.checked)}>
        <label for="chosen-${one.member_id}">${nameOf(one)}</label>
      </p>`,
    )}
    ${shown.length > SHOWN_MAX ? html`<p class="quiet">${t("groups.not-shown", { n: shown.length - SHOWN_MAX })}</p>` : nothing}
  </fieldset>`;
}
