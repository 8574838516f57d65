// Fields of organisers' forms that citizens' forms do not have.
import { field, html, nothing, t } from "./page.js";
import { toField } from "./organise-times.js";

/** A labelled field of several lines. */
export function area(name, label, { value = "", required = false, maxlength = 4000, hint = "" } = {}) {
  return html`<p class="field">
    <label for=${name}>${label}${required ? nothing : html` <small>${t("form.optional")}</small>`}</label>
    ${hint ? html`<small id="${name}-hint">${hint}</small>` : nothing}
    <textarea id=${name} name=${name} rows="5" .value=${value} ?required=${required} maxlength=${maxlength} aria-describedby=${hint ? `${name}-hint` : nothing}></textarea>
  </p>`;
}

export function check(name, label, checked) {
  return html`<p class="check"><input type="checkbox" id=${name} name=${name} .checked=${checked}> <label for=${name}>${label}</label></p>`;
}

/** A labelled time, shown by the week's clock. */
export function timeField(name, label, { value = null, required = false, hint = "" } = {}) {
  return field(name, label, { type: "datetime-local", value: toField(value), required, hint });
}

export function numberField(name, label, { value = null, required = false, hint = "" } = {}) {
  return field(name, label, { type: "number", inputmode: "numeric", value: value === null ? "" : String(value), required, hint });
}

/** What a field proposes, for `list` of `field`. */
export function proposals(id, values) {
  return html`<datalist id=${id}>${[...new Set(values)].filter(Boolean).sort().map((one) => html`<option value=${one}></option>`)}</datalist>`;
}

/** Open what a field stands in that must be corrected: else nobody would see why a form is not sent. */
export const showsWrongFields = {
  capture: true,
  handleEvent(event) {
    for (let at = event.target.closest("details"); at; at = at.parentElement.closest("details")) at.open = true;
  },
};
