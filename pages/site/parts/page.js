// The frame of every page: header, menu, footer, what went wrong, and what a screen reader is told.
import { html, nothing, render } from "../lib/lit-html.js";
import { account, forgetAnswers, guard, signInAddress, signedOut } from "./account.js";
import { ask, Refused, Unreached } from "./api.js";
import { choose, language, LANGUAGES, t } from "./language.js";
import { forget, names, store, stored } from "./kept.js";
import { langOf, spoken } from "./spoken.js";
import { WEEK } from "./week.js";
import { anyWrong, describedBy, forgetWrong, invalid, learnWrong, listOfWrong, wrongWith } from "./wrong.js";

export { html, nothing, t };

const CITIZENS_MENU = [
  ["index", "/", "menu.programme"],
  ["contest", "/contest", "menu.contest"],
  ["me", "/me", "menu.me"],
  ["verify", "/verify", "menu.verify"],
  ["help", "/help", "menu.help"],
];
// Of 18, 24 and 30 px; the button names the next one.
const TYPE_SIZES = ["normal", "large", "largest"];
const FRESH_MS = 8_000;
// The worker copies all pages to the device. The page that somebody waits for comes first.
const REGISTER_MS = 2_000;
const OTHER_LANGUAGE = { "zh-CN": "中文", en: "English" };

let current = null;
let trouble = null;
let told = "";
// While it is, what was told stays in sight, wherever on the page its reader is.
let isFresh = false;
let fading = 0;

/**
 * Show a page. `title` and `body` are functions, called each time that something changes (`update`).
 *
 * It is drawn when the view waits for the first time: by then the view has asked for what it shows, and the answer
 * comes while a slow device draws.
 *
 * `menu`: [page, address, key of its words] of each entry; `footer`: what stands last on the page.
 */
export function show(title, body, { menu = CITIZENS_MENU, footer = citizensFooter } = {}) {
  current = { title, body, menu, footer };
  // What the file has until its script runs.
  document.getElementById("page").replaceChildren();
  queueMicrotask(begin);
}

function begin() {
  update();
  const carried = stored("told");
  if (carried) {
    forget("told");
    announce(carried);
  }
  guard();
  setTimeout(register, REGISTER_MS);
  // What an earlier page could not hand in.
  if (names("attempt.").some((name) => stored(name)?.state === "handing-in")) import("./attempt.js").then(({ finish }) => finish());
}

export function update() {
  const { title, body, menu, footer } = current;
  document.title = `${title()} · ${WEEK.name[language]}`;
  render(frame(title(), body(), menu, footer()), document.getElementById("page"));
}

/** Say something to a screen reader, and show it for those who see. */
export function announce(words) {
  told = words;
  isFresh = true;
  clearTimeout(fading);
  fading = setTimeout(fade, FRESH_MS);
  update();
}

/** Say something on the page that comes next. */
export function announceNext(words) {
  store("told", words);
}

function fade() {
  isFresh = false;
  update();
}

/**
 * Do something that may fail. What went wrong is shown at the top of the page until the next `attempt`.
 *
 * `wrong` gets what was refused before it is shown. Gives back whether it went well.
 */
export async function attempt(work, wrong = () => {}) {
  trouble = null;
  told = "";
  forgetWrong();
  try {
    await work();
    update();
    return true;
  } catch (error) {
    trouble = error;
    if (error instanceof Refused) wrong(error.problem);
    update();
    document.getElementById("trouble")?.focus();
    return false;
  }
}

/** A button that does something: disabled while that is under way, so that a double click does it once. */
export function button(words, work, { kind = "plain", disabled = false, name = undefined } = {}) {
  const pressed = async (event) => {
    const pressed = event.currentTarget;
    if (pressed.getAttribute("aria-disabled") === "true") return;
    pressed.setAttribute("aria-disabled", "true");
    try {
      await attempt(work);
    } finally {
      pressed.removeAttribute("aria-disabled");
      keepFocus(pressed);
    }
  };
  return html`<button
    type="button"
    class=${kind}
    ?disabled=${disabled}
    aria-label=${name ?? nothing}
    @click=${pressed}
  >${words}</button>`;
}

/** If what was pressed is not there any more, the keyboard goes on with what has taken its place. */
function keepFocus(element) {
  if (element.isConnected || (document.activeElement && document.activeElement !== document.body)) return;
  (document.querySelector("main .next") ?? document.getElementById("main")).focus();
}

/**
 * A form: `work` gets its fields by name. It is sent once, however often its button is pressed.
 *
 * What a service finds wrong with a field is shown beside it. `names`: see parts/wrong.js.
 */
export function form(fields, words, work, { kind = "main", names = {} } = {}) {
  const sent = async (event) => {
    event.preventDefault();
    const element = event.currentTarget;
    if (element.dataset.busy) return;
    element.dataset.busy = "yes";
    try {
      await attempt(() => work(Object.fromEntries(new FormData(element))), (problem) => learnWrong(problem, element, names));
    } finally {
      delete element.dataset.busy;
      keepFocus(element);
    }
  };
  return html`<form @submit=${sent}>
    ${fields}
    <p><button class=${kind}>${words}</button></p>
  </form>`;
}

/** A labelled field of a form. `changed` gets its value. */
export function field(name, label, { hint = "", changed = undefined, ...attributes } = {}) {
  const { type = "text", value = "", required = false, autocomplete, inputmode, maxlength, list, min, max, step } = attributes;
  return html`<p class="field">
    <label for=${name}>${label}${required || type === "search" ? nothing : html` <small>${t("form.optional")}</small>`}</label>
    ${hint ? html`<small id="${name}-hint">${hint}</small>` : nothing}
    <input
      id=${name}
      name=${name}
      type=${type}
      .value=${value}
      ?required=${required}
      autocomplete=${autocomplete ?? nothing}
      inputmode=${inputmode ?? nothing}
      maxlength=${maxlength ?? nothing}
      list=${list ?? nothing}
      min=${min ?? nothing}
      max=${max ?? nothing}
      step=${step ?? nothing}
      @change=${changed ? (event) => changed(event.target.value) : nothing}
      aria-invalid=${invalid(name)}
      aria-describedby=${describedBy(name, hint)}
    >
    ${wrongWith(name)}
  </p>`;
}

/** What a field proposes, for `list` of `field`. */
export function proposals(id, values) {
  return html`<datalist id=${id}>${[...new Set(values)].filter(Boolean).sort().map((one) => html`<option value=${one}></option>`)}</datalist>`;
}

/** A labelled field of several lines. */
export function area(name, label, { value = "", required = false, rows = 4, maxlength = undefined, hint = "" } = {}) {
  return html`<p class="field">
    <label for=${name}>${label}${required ? nothing : html` <small>${t("form.optional")}</small>`}</label>
    ${hint ? html`<small id="${name}-hint">${hint}</small>` : nothing}
    <textarea id=${name} name=${name} rows=${rows} .value=${value ?? ""} ?required=${required} maxlength=${maxlength ?? nothing}
      aria-invalid=${invalid(name)} aria-describedby=${describedBy(name, hint)}></textarea>
    ${wrongWith(name)}
  </p>`;
}

/** A labelled choice: options are pairs of value and words. */
export function choice(name, label, options, { value = "", changed = undefined } = {}) {
  return html`<p class="field">
    <label for=${name}>${label}</label>
    <select id=${name} name=${name} aria-invalid=${invalid(name)} aria-describedby=${describedBy(name)}
      @change=${changed ? (event) => attempt(async () => changed(event.target.value)) : nothing}>
      ${options.map(([key, words]) => html`<option value=${key} lang=${langOf(words)} ?selected=${key === value}>${words}</option>`)}
    </select>
    ${wrongWith(name)}
  </p>`;
}

/** What stands in the place of something that needs a participant. */
export function signInFirst(words = t("sign-in.needed")) {
  return html`<section class="card">
    <p>${words}</p>
    <p><a class="button main" href=${signInAddress()}>${t("sign-in.go")}</a></p>
  </section>`;
}

export function loading() {
  return html`<p class="quiet" role="status" data-loading>${t("page.loading")}</p>`;
}

/** Ask once now, and again every so often while the page is seen. */
export async function keepFresh(work, seconds) {
  let failed = !(await attempt(work));
  let busy = false;
  setInterval(async () => {
    if (busy || document.hidden || !navigator.onLine) return;
    busy = true;
    try {
      await work();
      // Other trouble is not over by this.
      if (failed) trouble = null;
      failed = false;
      update();
    } catch {
      // What is shown stays. The next time may go well.
    } finally {
      busy = false;
    }
  }, seconds * 1000);
}

function frame(title, body, menu, footer) {
  const here = document.body.dataset.page;
  return html`
    <a class="skip" href="#main">${t("page.skip")}</a>
    <header>
      <p class="brand"><a href="/">${WEEK.name[language]}</a></p>
      <div class="tools">
        ${LANGUAGES.filter((one) => one !== language).map(
          (one) => html`<button type="button" lang=${one} @click=${() => choose(one)}>${OTHER_LANGUAGE[one]}</button>`,
        )}
        <button type="button" @click=${switchType}>${t(`page.type-${nextType()}`)}</button>
      </div>
      <nav aria-label=${t("menu.name")}>
        <ul>
          ${menu.map(
            ([name, address, key]) =>
              html`<li><a href=${address} aria-current=${name === here ? "page" : nothing}>${t(key)}</a></li>`,
          )}
        </ul>
      </nav>
    </header>
    <main id="main" tabindex="-1">
      <h1>${spoken(title)}</h1>
      <div id="trouble" tabindex="-1" role="alert">${trouble ? troubleOf(trouble) : nothing}</div>
      <div role="status" class=${!told ? "" : isFresh ? "told fresh" : "told"}>${told}</div>
      ${body}
    </main>
    <footer>
      <p>${WEEK.name[language]} · ${WEEK.motto[language]}</p>
      ${footer}
    </footer>
  `;
}

function citizensFooter() {
  return html`<p>
    <a href="/notice">${t("menu.notice")}</a> · <a href="/selection">${t("menu.selection")}</a>
    ${account()
      ? html`· <a href="/inbox">${t("menu.inbox")}</a> · <a href="/data">${t("menu.data")}</a> ·
          <button type="button" class="link" @click=${leave}>${t("sign-in.out")}</button>`
      : nothing}
  </p>`;
}

function troubleOf(error) {
  if (!(error instanceof Refused || error instanceof Unreached)) console.error(error);
  const ended = error instanceof Refused && error.status === 401;
  return html`<div class="trouble">
    <p>${wordsOf(error)}</p>
    ${listOfWrong()}
    ${ended ? html`<p><a class="button" href=${signInAddress()}>${t("sign-in.go")}</a></p>` : nothing}
    ${error.code && !anyWrong() ? html`<p><small>${t("trouble.code", { code: error.code })}</small></p>` : nothing}
  </div>`;
}

function wordsOf(error) {
  if (error instanceof Unreached) return t("trouble.unreached");
  if (!(error instanceof Refused)) return t("trouble.unexpected");
  // The service's own words say it of one field, by its place in the body.
  return anyWrong() ? t("trouble.fields") : error.message;
}

async function leave() {
  await attempt(async () => {
    // A token that has been seen by others ends with this too.
    await ask("registration", "/me/tokens", { method: "DELETE", tries: 1 }).catch(() => {});
    forgetAnswers(account()?.participant_id);
    signedOut();
    location.assign("/");
  });
}

function typeSize() {
  const size = stored("type-size");
  return TYPE_SIZES.includes(size) ? size : TYPE_SIZES[0];
}

function nextType() {
  return TYPE_SIZES[(TYPE_SIZES.indexOf(typeSize()) + 1) % TYPE_SIZES.length];
}

function switchType() {
  store("type-size", nextType());
  applyType();
  update();
}

function applyType() {
  for (const size of TYPE_SIZES) document.documentElement.classList.toggle(size, size === typeSize());
}

function register() {
  if (!("serviceWorker" in navigator)) return;
  const policy = globalThis.trustedTypes?.createPolicy("kepu", { createScriptURL: (address) => (address === "/worker.js" ? address : "") });
  // Without it everything works, except for opening a page without a network.
  navigator.serviceWorker.register(policy?.createScriptURL("/worker.js") ?? "/worker.js").catch(() => {});
}

applyType();
