// Nominees of a selection and who may be chosen; the experts who judge them.
import { alsoWords } from "./language.js";
import { asksFirst, change } from "./organise-changing.js";
import { columnsOf, linesOf } from "./lines.js";
import { nameOf, who } from "./organise-recipients.js";
import { pathOf } from "./organise-selection-form.js";
import { organise } from "./organiser.js";
import { announce, area, button, choice, field, form, html, nothing, t } from "./page.js";

await alsoWords("organise-scheme");
await alsoWords("organise-selections");
await alsoWords("selection-terms");

const CODES = ["eligible", "not_eligible", "incomplete", "untrue", "other_field", "doubled"];
const UNTIL_CANDIDATES = ["nominating", "scoring", "ranking"];
let nominees = [];
// By nominee: the words of nominations, once they were opened.
let opened = new Map();
// Who judges whom, as the last change of it has told: the service tells it only then.
let panel = null;

export async function loadNominees(id) {
  ({ nominees } = await organise("awards", `${pathOf(id)}/nominees`));
}

export function nomineesOf(id, phase, reload) {
  return html`<section aria-labelledby="nominees">
    <h2 id="nominees">${t("nominees.title")}</h2>
    ${nominees.length ? html`<ul class="cards">${nominees.map((one) => nominee(id, one, phase, reload))}</ul>` : html`<p>${t("nominees.none")}</p>`}
    ${phase === "nominating" ? nominating(id, reload) : nothing}
  </section>`;
}

function nominee(id, one, phase, reload) {
  const words = opened.get(one.participant_id);
  // Whoever is admitted has no code: that says only why not.
  const admitted = one.admitted === null ? t("nominees.unchecked") : t(`admission.${one.code ?? "eligible"}`);
  const admit = async (said) => {
    await change("awards", `${pathOf(id)}/admissions`, { method: "POST", body: { participant_id: one.participant_id, code: said[`code-${one.participant_id}`] } });
    await reload();
    announce(t("nominees.noted"));
  };
  const open = async () => {
    const { nominations } = await organise("awards", `${pathOf(id)}/nominees/${encodeURIComponent(one.participant_id)}`);
    opened = new Map(opened).set(one.participant_id, nominations);
  };
  return html`<li class="card" data-nominee=${one.participant_id}>
    <h3>${who(one.participant_id)}</h3>
    <p><strong class=${one.admitted ? "good" : "fair"}>${one.withdrawn ? t("nominees.withdrawn") : admitted}</strong></p>
    ${words
      ? words.map((each) => html`<blockquote class="inset"><p class="text">${each.statement}</p>${each.evidence.map((line) => html`<p><small>${line}</small></p>`)}</blockquote>`)
      : button(t("nominees.read"), open, { name: `${t("nominees.read")}: ${nameOf(one.participant_id)}` })}
    ${UNTIL_CANDIDATES.includes(phase) && !one.withdrawn
      ? form(choice(`code-${one.participant_id}`, t("nominees.check"), CODES.map((code) => [code, t(`admission.${code}`)]), { value: one.code ?? "eligible" }), t("nominees.note"), admit, { kind: "plain" })
      : nothing}
  </li>`;
}

function nominating(id, reload) {
  const nominate = async (said) => {
    const body = { participant_id: said.nominee.trim(), statement: said.statement, evidence: linesOf(said.evidence).slice(0, 5) };
    await change("awards", `${pathOf(id)}/nominations`, { method: "POST", body });
    await reload();
    announce(t("nominees.nominated"));
  };
  return html`<details>
    <summary>${t("nominees.nominate")}</summary>
    ${form(
      html`${field("nominee", t("confer.recipient"), { required: true, maxlength: 64, list: "groups" })}
      ${area("statement", t("nominees.statement"), { required: true, maxlength: 1000 })}
      ${area("evidence", t("nominees.evidence"), { hint: t("nominees.evidence-hint") })}`,
      t("nominees.nominate-now"),
      nominate,
      { kind: "plain" },
    )}
  </details>`;
}

/** Experts sign in with their own accounts: there are no keys or links for them. */
export function expertsOf(id, phase) {
  if (!["preparing", "nominating", "scoring"].includes(phase)) return nothing;
  const add = async (said) => {
    panel = await change("awards", `${pathOf(id)}/experts`, { method: "POST", body: { expert_ids: columnsOf(said["expert-list"]).map(([one]) => one) } });
    announce(t("experts.added", { n: panel.expert_ids.length }));
  };
  const assign = async () => {
    panel = await change("awards", `${pathOf(id)}/assignments`, { method: "POST" });
    announce(panel.lacking.length ? t("experts.lacking", { n: panel.lacking.length }) : t("experts.assigned"));
  };
  return html`<section aria-labelledby="experts">
    <h2 id="experts">${t("experts.title")}</h2>
    <p>${t("experts.explained")} <a href="/selection?id=${encodeURIComponent(id)}">${location.origin}/selection?id=${id}</a></p>
    ${form(area("expert-list", t("experts.list"), { required: true, hint: t("experts.list-hint") }), t("experts.add"), add, { kind: "plain" })}
    ${phase === "scoring" ? button(t("experts.assign"), assign, { kind: "main" }) : nothing}
    ${panel ? panelOf(id) : nothing}
  </section>`;
}

function panelOf(id) {
  const judged = (expert) => Object.values(panel.assigned).filter((experts) => experts.includes(expert)).length;
  const remove = (expert) => async () => {
    panel = await change("awards", `${pathOf(id)}/experts/${encodeURIComponent(expert)}`, { method: "DELETE" });
    announce(t("experts.removed"));
  };
  return html`
    <ul>${panel.expert_ids.map((expert) => html`<li>
      <code>${expert}</code> · ${t("experts.judges", { n: judged(expert) })}
      ${asksFirst(`expert-${expert}`, t("experts.remove"), { name: `${t("experts.remove")}: ${expert}`, about: () => html`<p>${t("experts.remove-sure")}</p>`, work: remove(expert) })}
    </li>`)}</ul>
    ${panel.lacking.length ? html`<p class="bad">${t("experts.lacking", { n: panel.lacking.length })} ${panel.lacking.map((one) => html`${who(one)} `)}</p>` : nothing}
    ${panel.conflicts.map((one) => html`<p class="fair">${t("experts.conflict", { expert: one.expert_id, whom: nameOf(one.participant_id), why: t(`conflict-code.${one.code}`) })}</p>`)}
  `;
}
