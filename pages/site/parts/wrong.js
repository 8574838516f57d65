// What a service finds wrong with the fields of a form: said beside each input, and listed at the top of the page.
import { html, nothing } from "../lib/lit-html.js";
import { t } from "./language.js";

// By the name of the field, what is wrong; and what no field is there for.
let fields = new Map();
let others = [];

/** Another request begins. */
export function forgetWrong() {
  fields = new Map();
  others = [];
}

/**
 * Find the fields of a form that a problem is about.
 *
 * `names`: the field for a part of the body that has another name, such as {email: "contact"}, and for the code of a
 * refusal that is about one field.
 */
export function learnWrong(problem, form, names) {
  for (const { field, detail } of Array.isArray(problem.errors) ? problem.errors : []) {
    const name = nameOf(field, form, names);
    if (name) fields.set(name, fields.has(name) ? `${fields.get(name)} ${detail}` : detail);
    else others.push(`${field}: ${detail}`);
  }
  if (names[problem.code]) fields.set(names[problem.code], problem.detail);
}

/** The field for a place in the body, such as body.participant.email: by its longest end that names one. */
function nameOf(place, form, names) {
  const parts = place.split(".");
  // Of a list: also the field for the whole list.
  const ends = [parts, parts.filter((part) => !/^\d+$/.test(part))].flatMap((some) => some.map((_, at) => some.slice(at).join(".")));
  return ends.map((end) => names[end] ?? end).find((name) => form.elements.namedItem(name));
}

/** What is wrong with a field, for the place beside its input. */
export function wrongWith(name) {
  return fields.has(name) ? html`<strong class="bad" id="${name}-wrong">${fields.get(name)}</strong>` : nothing;
}

/** The ids of what describes an input: its hint, and what is wrong with it. */
export function describedBy(name, hint = "") {
  return [hint && `${name}-hint`, fields.has(name) && `${name}-wrong`].filter(Boolean).join(" ") || nothing;
}

/** `aria-invalid` of an input. */
export function invalid(name) {
  return fields.has(name) ? "true" : nothing;
}

/** Whether fields of the form are wrong. */
export function anyWrong() {
  return fields.size > 0;
}

/** All that is wrong, each with the way to its input. */
export function listOfWrong() {
  if (!fields.size && !others.length) return nothing;
  return html`<ul>
    ${[...fields].map(([name, words]) => html`<li><a href="#${name}" @click=${toField}>${t("trouble.of-field", { field: labelOf(name), words })}</a></li>`)}
    ${others.map((words) => html`<li>${words}</li>`)}
  </ul>`;
}

function toField(event) {
  // Without a change of the address, which may hold something after its #.
  event.preventDefault();
  document.getElementById(event.currentTarget.getAttribute("href").slice(1))?.focus();
}

function labelOf(name) {
  const label = document.querySelector(`label[for="${CSS.escape(name)}"], #${CSS.escape(name)} > legend`);
  // Without the words that it is optional, which stand in an element.
  const own = [...(label?.childNodes ?? [])].filter((one) => one.nodeType === Node.TEXT_NODE);
  return own.map((one) => one.textContent).join("").trim() || name;
}
