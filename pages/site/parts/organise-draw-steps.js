// The steps of a draw: name entrants, fix the list, draw, let a reserve move up, draw again.
import { alsoWords, named } from "./language.js";
import { asksFirst, change } from "./organise-changing.js";
import { isId } from "./organise-ids.js";
import { progress, until } from "./organise-waiting.js";
import { entrantsIn, pathOf } from "./organise-draw-form.js";
import { nameOf, who } from "./organise-recipients.js";
import { mayChange, organise } from "./organiser.js";
import { announce, area, button, field, form, html, nothing, t, update } from "./page.js";
import { moment } from "./times.js";

await alsoWords("organise-scheme");
await alsoWords("organise-draws");

// So many the service takes in one request.
const AT_ONCE = 2000;
let state = null;
// What everybody sees of it; null: nothing is announced.
let shown = null;
let watching = false;
let naming = null;
let onList = null;

export async function loadSteps(id) {
  [state, shown] = await Promise.all([organise("awards", `${pathOf(id)}/state`), readShown(id)]);
  if (state.working && !watching) watch(id);
  return state;
}

async function readShown(id) {
  try {
    return await organise("awards", pathOf(id));
  } catch (error) {
    if (error.code === "draw_not_announced") return null;
    throw error;
  }
}

function watch(id) {
  watching = true;
  until(() => !state.working, () => loadSteps(id)).finally(() => (watching = false));
}

/** `draw`: as it was put; null for those who may not read that. */
export function stepsOf(id, draw, reload) {
  const isOpen = state.state === "draft" || state.state === "freezing";
  return html`
    <section class="card" aria-labelledby="state" data-state=${state.state}>
      <h2 id="state">${t("draw.state")}</h2>
      <p><strong>${t(`draw-state.${state.state}`)}</strong> ${state.number > 1 ? t("draw.number", { n: state.number }) : nothing}</p>
      ${state.failed ? html`<p class="bad">${t("draw.failed")} ${named("draw-failed", state.failed)}</p>` : nothing}
      ${state.working ? progress(t(isOpen ? "draw.listing" : "draw.giving", { n: state.listed })) : nothing}
    </section>
    ${mayChange() && draw && isOpen ? preparing(id, draw, reload) : nothing}
    ${shown ? announced(id, reload) : nothing}
  `;
}

function preparing(id, draw, reload) {
  const freeze = async () => {
    await change("awards", `${pathOf(id)}/freeze`, { method: "POST" });
    await reload();
    announce(t("draw.freezing"));
  };
  return html`
    ${draw.entrants.type === "named" ? entrants(id) : nothing}
    ${state.state === "draft"
      ? asksFirst("freeze", t("draw.freeze"), { kind: "main", about: () => html`<p>${t("draw.freeze-sure")}</p>`, go: t("draw.freeze-now"), work: freeze })
      : nothing}
  `;
}

function entrants(id) {
  const forget = async () => {
    await change("awards", `${pathOf(id)}/entrants`, { method: "DELETE" });
    onList = 0;
    announce(t("draw.unnamed"));
  };
  return html`<section aria-labelledby="named">
    <h2 id="named">${t("draw.name")}</h2>
    ${onList === null ? nothing : html`<p><strong>${t("draw.named", { n: onList })}</strong></p>`}
    ${naming
      ? progress(t("confer.working", naming), naming.n, naming.of)
      : form(area("entrants-list", t("draw.list"), { required: true, rows: 8, hint: t("draw.list-hint") }), t("draw.name-now"), (said) => name(id, said), { kind: "plain" })}
    ${asksFirst("unname", t("draw.unname"), { about: () => html`<p>${t("draw.unname-sure")}</p>`, work: forget })}
  </section>`;
}

async function name(id, said) {
  const list = entrantsIn(said["entrants-list"]);
  const wrong = list.filter((one) => !isId(one.entrant_id) || !(one.chances >= 1));
  if (wrong.length) {
    announce(t("draw.wrong-lines", { n: wrong.length, first: wrong[0].entrant_id }));
    return;
  }
  try {
    for (let n = 0; n < list.length; n += AT_ONCE) {
      naming = { n, of: list.length };
      update();
      ({ named: onList } = await change("awards", `${pathOf(id)}/entrants`, { method: "POST", body: { entrants: list.slice(n, n + AT_ONCE) }, seconds: 60 }));
    }
  } finally {
    naming = null;
  }
  announce(t("draw.named", { n: onList }));
}

function announced(id, reload) {
  const address = `/api/awards${pathOf(id)}`;
  return html`
    <section aria-labelledby="announced">
      <h2 id="announced">${t("draw.announced")}</h2>
      <p>${t("draw.counts", { entrants: shown.entrants, chances: shown.chances, at: moment(shown.announced_at) })}</p>
      <p>${t("draw.sha")} <code>${shown.list_sha256}</code></p>
      <p><a href=${address}>${t("draw.public")}</a> · <a href="${address}/entrants.txt">${t("draw.entrants-file")}</a></p>
      ${state.state === "announced" && mayChange() ? holding(id, reload) : nothing}
    </section>
    ${shown.held_at ? result(id, reload) : nothing}
    ${mayChange() && (state.state === "announced" || state.state === "held") ? again(id, reload) : nothing}
  `;
}

/** The numbers cannot be changed, so they are shown once more before. */
function holding(id, reload) {
  const ahead = shown.sources.filter((one) => one.expected_at && Date.parse(one.expected_at) > Date.now());
  if (ahead.length) return html`<p>${t("draw.wait", { until: moment(ahead[0].expected_at), what: ahead[0].description })}</p> ${button(t("draw.look"), reload)}`;
  const hold = async (said) => {
    const inputs = shown.sources.map((source, place) =>
      source.sha256 ? { secret: said[`given-${place}`].trim() } : { numbers: (said[`given-${place}`].match(/\d+/g) ?? []).map(Number) },
    );
    await change("awards", `${pathOf(id)}/hold`, { method: "POST", body: { inputs } });
    await reload();
    announce(t("draw.held"));
  };
  return asksFirst("hold", t("draw.hold"), {
    about: () => html`<p><strong>${t("draw.hold-sure")}</strong></p>
      ${shown.sources.map((source, place) => field(`given-${place}`, source.description, { required: true, autocomplete: "off", hint: t(source.sha256 ? "draw.give-secret" : "draw.give-numbers") }))}`,
    go: t("draw.hold-now"),
    work: hold,
  });
}

function result(id, reload) {
  return html`<section aria-labelledby="drawn">
    <h2 id="drawn">${t("draw.drawn")}</h2>
    <p>${t("draw.seed")} <code>${shown.seed}</code> · ${moment(shown.held_at)}</p>
    ${shown.replaced_because ? html`<p class="bad">${t("draw.replaced", { why: shown.replaced_because })}</p>` : nothing}
    <ol>${shown.drawn.map((one) => html`<li data-drawn=${one.entrant_id}>
      ${who(one.entrant_id)} · <strong>${one.tier ?? (one.moved ? t(`moved.${one.moved}`) : t("draw.reserve"))}</strong> ${one.reason ?? ""}
      ${one.tier && state.state === "held" ? moving(id, one, reload) : nothing}
    </li>`)}</ol>
  </section>`;
}

function moving(id, one, reload) {
  return asksFirst(`move-${one.entrant_id}`, t("draw.move"), {
    name: `${t("draw.move")}: ${nameOf(one.entrant_id)}`,
    about: () => html`<p>${t("draw.move-sure")}</p> ${field("reason", t("held.reason"), { required: true, maxlength: 200, hint: t("draw.reason-hint") })}`,
    go: t("draw.move-now"),
    work: async ({ reason }) => {
      await change("awards", `${pathOf(id)}/moves`, { method: "POST", body: { entrant_id: one.entrant_id, reason } });
      await reload();
      announce(t("draw.moved"));
    },
  });
}

function again(id, reload) {
  const winners = shown.drawn.filter((one) => one.tier).length;
  return asksFirst("again", t("draw.again"), {
    about: () => html`<p>${t("draw.again-sure", { n: winners })}</p> ${field("reason", t("held.reason"), { required: true, maxlength: 200, hint: t("draw.reason-hint") })}`,
    go: t("draw.again-now"),
    work: async ({ reason }) => {
      await change("awards", `${pathOf(id)}/again`, { method: "POST", body: { number: shown.number, reason } });
      await reload();
      announce(t("draw.again-done"));
    },
  });
}
