// More fields of the forms about contests and the bank: numbers within bounds, ticks, and files.
import { html, nothing, t } from "./page.js";

/** A number. `changed` gets it, or null if there is none. */
export function numberField(name, label, { value = "", min = 0, max = undefined, step = 1, hint = "", required = true, changed = undefined } = {}) {
  return html`<p class="field">
    <label for=${name}>${label}${required ? nothing : html` <small>${t("form.optional")}</small>`}</label>
    ${hint ? html`<small id="${name}-hint">${hint}</small>` : nothing}
    <input class="number-of" id=${name} name=${name} type="number" inputmode="decimal" .value=${String(value ?? "")}
      min=${min} max=${max ?? nothing} step=${step} ?required=${required} aria-describedby=${hint ? `${name}-hint` : nothing}
      @change=${changed ? (event) => changed(event.target.value === "" ? null : Number(event.target.value)) : nothing}>
  </p>`;
}

/** A tick. `changed` gets whether it is set. */
export function tick(name, label, { checked = false, value = "on", changed = undefined } = {}) {
  return html`<p><label class="check">
    <input type="checkbox" name=${name} value=${value} .checked=${checked}
      @change=${changed ? (event) => changed(event.target.checked) : nothing}>
    <span>${label}</span>
  </label></p>`;
}

export function fileField(name, label, accept, { hint = "" } = {}) {
  return html`<p class="field">
    <label for=${name}>${label}</label>
    ${hint ? html`<small id="${name}-hint">${hint}</small>` : nothing}
    <input id=${name} name=${name} type="file" accept=${accept} required aria-describedby=${hint ? `${name}-hint` : nothing}>
  </p>`;
}

/** What will happen, a sentence each, before somebody says yes. */
export function consequences(question, sentences) {
  return html`<p><strong>${question}</strong></p>
    <ul>${sentences.map((one) => html`<li>${one}</li>`)}</ul>`;
}
