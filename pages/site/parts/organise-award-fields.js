// Fields of the forms about awards that citizens' forms do not have, and what is read from them.
import { field, html, nothing, t } from "./page.js";
import { randomName } from "./kept.js";
import { WEEK } from "./week.js";

const PARTS = new Intl.DateTimeFormat("en-CA", {
  timeZone: WEEK.timezone,
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});
const ID = /^[a-z0-9][a-z0-9-]{0,63}$/;

/** A labelled field of several lines. */
export function area(name, label, { value = "", required = false, rows = 4, maxlength = undefined, hint = "" } = {}) {
  return html`<p class="field">
    <label for=${name}>${label}${required ? nothing : html` <small>${t("form.optional")}</small>`}</label>
    ${hint ? html`<small id="${name}-hint">${hint}</small>` : nothing}
    <textarea id=${name} name=${name} rows=${rows} .value=${value} ?required=${required} maxlength=${maxlength ?? nothing}
      aria-describedby=${hint ? `${name}-hint` : nothing}></textarea>
  </p>`;
}

export function tick(name, label, checked = false) {
  return html`<p class="check"><input type="checkbox" id=${name} name=${name} .checked=${checked}> <label for=${name}>${label}</label></p>`;
}

export function numberField(name, label, { value = "", hint = "", min = 0, max = undefined, required = true } = {}) {
  return html`<p class="field">
    <label for=${name}>${label}${required ? nothing : html` <small>${t("form.optional")}</small>`}</label>
    ${hint ? html`<small id="${name}-hint">${hint}</small>` : nothing}
    <input id=${name} name=${name} type="number" inputmode="numeric" .value=${String(value)} min=${min} max=${max ?? nothing} ?required=${required}
      aria-describedby=${hint ? `${name}-hint` : nothing}>
  </p>`;
}

/** A moment by the clocks of the week's city. */
export function momentField(name, label, value = null) {
  return field(name, label, { type: "datetime-local", value: value ? localOf(value) : "", required: true, hint: t("field.local") });
}

/** The moment that such a field says. */
export function momentOf(local) {
  const said = Date.parse(`${local}Z`);
  let moment = said;
  // What the clocks there differ from UTC depends on the moment: the second try has the right one.
  for (let tries = 0; tries < 2; tries++) moment += said - Date.parse(`${localOf(moment)}Z`);
  return new Date(moment).toISOString();
}

function localOf(time) {
  const part = Object.fromEntries(PARTS.formatToParts(new Date(time)).map(({ type, value }) => [type, value]));
  return `${part.year}-${part.month}-${part.day}T${part.hour}:${part.minute}`;
}

/** The id of something new: it stands in addresses, and stays. */
export function idField(name, value) {
  return field(name, t("field.id"), { value, required: true, maxlength: 64, autocomplete: "off", hint: t("field.id-hint") });
}

/** An id that nothing has yet. */
export function newId(beginning) {
  return `${beginning}-${randomName().slice(0, 6)}`;
}

export function isId(text) {
  return ID.test(text);
}

/** Levels of prizes as lines: a name, and how many places. */
export function tierLines(tiers) {
  return tiers.map((one) => `${one.tier} ${one.places}`).join("\n");
}

export function tiersOf(text) {
  return linesOf(text).map((line) => {
    const [, tier, places] = line.match(/^(.*?)[\s,，:：]*(\d+)$/) ?? [null, line, "0"];
    return { tier, places: Number(places) };
  });
}

export function linesOf(text) {
  return text.split("\n").map((line) => line.trim()).filter(Boolean);
}

/** Lines of a list that was pasted: what stands first, and the rest. Columns of a table are parted by tabs. */
export function columnsOf(text) {
  return linesOf(text).map((line) => {
    const [, first, rest] = line.match(/^([^\s,，;；]+)[\s,，;；]*(.*)$/) ?? [null, line, ""];
    return [first, rest];
  });
}
