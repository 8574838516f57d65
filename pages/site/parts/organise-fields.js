// More fields for organisers' forms: numbers, longer texts, ticks, files, and moments in the week's time zone.
import { alsoWords } from "./language.js";
import { field, html, nothing, t } from "./page.js";
import { WEEK } from "./week.js";

await alsoWords("organise-forms");

const PARTS = new Intl.DateTimeFormat("en-CA", {
  timeZone: WEEK.timezone,
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});

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

/** A text of several lines. */
export function area(name, label, { value = "", rows = 3, maxlength = undefined, required = false, hint = "" } = {}) {
  return html`<p class="field">
    <label for=${name}>${label}${required ? nothing : html` <small>${t("form.optional")}</small>`}</label>
    ${hint ? html`<small id="${name}-hint">${hint}</small>` : nothing}
    <textarea id=${name} name=${name} rows=${rows} .value=${value} maxlength=${maxlength ?? nothing} ?required=${required}
      aria-describedby=${hint ? `${name}-hint` : nothing}></textarea>
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

/** A moment by the clocks of the week's city. */
export function momentField(name, label, { value, hint = t("forms.local-time") }) {
  return field(name, label, { type: "datetime-local", value: localOf(value), required: true, hint });
}

/** A moment as such a field says it: 2026-05-20T08:00. */
export function localOf(time) {
  const part = Object.fromEntries(PARTS.formatToParts(new Date(time)).map(({ type, value }) => [type, value]));
  return `${part.year}-${part.month}-${part.day}T${part.hour}:${part.minute}`;
}

/** The moment that such a field says, in UTC. */
export function momentOf(local) {
  const asUtc = Date.parse(`${local}:00Z`);
  // What the clocks there differ from UTC depends on the moment: the second try has the right one.
  let moment = asUtc;
  for (let tries = 0; tries < 2; tries++) moment += asUtc - Date.parse(`${localOf(moment)}:00Z`);
  return new Date(moment).toISOString();
}
