// Fields of organisers' forms that citizens' forms do not have.
import { field, html, nothing } from "./page.js";
import { toField } from "./organise-times.js";
import { describedBy, invalid, wrongWith } from "./wrong.js";

/** A tick; one of several of a name has a `value` of its own. `changed` gets whether it is set. */
export function tick(name, label, { checked = false, value = "on", changed = undefined } = {}) {
  const id = value === "on" ? name : `${name}-${value}`;
  return html`<p class="check">
    <input type="checkbox" id=${id} name=${name} value=${value} .checked=${checked} aria-invalid=${invalid(name)} aria-describedby=${describedBy(name)}
      @change=${changed ? (event) => changed(event.target.checked) : nothing}>
    <label for=${id}>${label}</label> ${wrongWith(name)}
  </p>`;
}

/** A labelled time, shown by the week's clock. */
export function timeField(name, label, { value = null, required = false, hint = "" } = {}) {
  return field(name, label, { type: "datetime-local", value: toField(value), required, hint });
}

/** A number. `changed` gets it, or null if there is none. */
export function numberField(name, label, { value = "", min = 0, max, step = 1, required = true, hint = "", changed = undefined } = {}) {
  const read = changed && ((text) => changed(text === "" ? null : Number(text)));
  return field(name, label, { type: "number", inputmode: "decimal", value: String(value ?? ""), min, max, step, required, hint, changed: read });
}

export function fileField(name, label, accept, { hint = "" } = {}) {
  return html`<p class="field">
    <label for=${name}>${label}</label>
    ${hint ? html`<small id="${name}-hint">${hint}</small>` : nothing}
    <input id=${name} name=${name} type="file" accept=${accept} required aria-describedby=${hint ? `${name}-hint` : nothing}>
  </p>`;
}

/** Open what a field stands in that must be corrected: else nobody would see why a form is not sent. */
export const showsWrongFields = {
  capture: true,
  handleEvent(event) {
    for (let at = event.target.closest("details"); at; at = at.parentElement.closest("details")) at.open = true;
  },
};
