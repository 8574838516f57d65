// The script of a ceremony: who is called, who is there, and what was handed over. Who comes for whom. The hall's link.
import { alsoWords } from "./language.js";
import { act, asksFirst, change } from "./organise-changing.js";
import { pathOf } from "./organise-ceremony-form.js";
import { groupProposals, nameOf } from "./organise-recipients.js";
import { download, mayChange, organise } from "./organiser.js";
import { announce, button, choice, field, form, html, nothing, t } from "./page.js";
import { moment } from "./times.js";

await alsoWords("organise-ceremonies");

const FILE_SECONDS = 60;
let script = null;
let proxies = [];
// The hall's link, shown once.
let hall = null;

export async function loadScript(ceremony) {
  const path = pathOf(ceremony.ceremony_id);
  [script, { proxies }] = await Promise.all([organise("awards", `${path}/script`), mayChange() ? organise("awards", `${path}/proxies`) : { proxies: [] }]);
}

export function scriptOf(ceremony) {
  const reload = () => loadScript(ceremony);
  return html`
    <section aria-labelledby="script">
      <h2 id="script">${t("script.title")}</h2>
      <p>${t("script.counts", script.counts)}</p>
      <div class="row">
        ${button(t("script.again"), reload)}
        ${["xlsx", "csv"].map((one) => button(t(`script-file.${one}`), () => take(ceremony, one)))}
      </div>
      ${script.calls.length ? script.calls.map((one) => call(one, ceremony, reload)) : html`<p>${t("script.nobody")}</p>`}
    </section>
    ${mayChange() ? html`${proxiesOf(ceremony, reload)} ${hallOf(ceremony)}` : nothing}
  `;
}

async function take(ceremony, kind) {
  const file = await organise("awards", `${pathOf(ceremony.ceremony_id)}/script/export?format=${kind}`, { as: "blob", seconds: FILE_SECONDS });
  download(file, `script-${ceremony.ceremony_id}.${kind}`);
}

function call(one, ceremony, reload) {
  const waiting = one.recipients.filter((each) => !each.handed_over).map((each) => each.award_code);
  return html`<section class="card" aria-labelledby="call-${one.number}">
    <h3 id="call-${one.number}">${one.number}. ${one.award}${one.tier ? ` · ${one.tier}` : ""}${one.parts > 1 ? t("script.part", { n: one.part, of: one.parts }) : ""}</h3>
    ${one.presenter ? html`<p>${t("ceremony.presenter")}: ${one.presenter}</p>` : nothing}
    ${one.notes ? html`<p>${one.notes}</p>` : nothing}
    <ul>${one.recipients.map((each) => recipient(each, ceremony, reload))}</ul>
    ${waiting.length > 1 ? act(t("script.all", { n: waiting.length }), () => mark(ceremony, waiting, true, reload), { kind: "main", name: `${one.number}. ${t("script.all", { n: waiting.length })}` }) : nothing}
  </section>`;
}

function recipient(each, ceremony, reload) {
  const name = each.name ?? nameOf(each.recipient_id);
  const words = each.handed_over ? t("script.undo") : t("script.mark");
  return html`<li data-award=${each.award_code}>
    <strong>${name}</strong> ${each.unit ?? ""} · <span class=${each.attendance === "absent" ? "bad" : ""}>${t(`attendance.${each.attendance}`)}</span>
    ${each.handed_over ? html`· <span class="good">${t("script.handed-over")}</span>` : nothing}
    ${act(words, () => mark(ceremony, [each.award_code], !each.handed_over, reload), { name: `${words}: ${name}` })}
  </li>`;
}

async function mark(ceremony, codes, over, reload) {
  const { changed } = await change("awards", `${pathOf(ceremony.ceremony_id)}/handed-over${over ? "" : "/undo"}`, { method: "POST", body: { award_codes: codes } });
  await reload();
  announce(t(over ? "script.marked" : "script.undone", { n: changed.length }));
}

function proxiesOf(ceremony, reload) {
  const path = pathOf(ceremony.ceremony_id);
  const recipients = new Map(script.calls.flatMap((one) => one.recipients).map((each) => [each.recipient_id, each.name ?? nameOf(each.recipient_id)]));
  const save = async (said) => {
    const byId = said["receiver-id"].trim();
    const isNew = !proxies.some((one) => one.recipient_id === said.for);
    const body = { receiver_id: byId || null, receiver_name: said["receiver-name"].trim() || null, reason: said["proxy-reason"].trim() || null };
    await change("awards", `${path}/proxies/${encodeURIComponent(said.for)}`, { method: "PUT", isNew, body });
    await reload();
    announce(t("proxy.saved"));
  };
  const remove = (one) => async () => {
    await change("awards", `${path}/proxies/${encodeURIComponent(one.recipient_id)}`, { method: "DELETE" });
    await reload();
    announce(t("proxy.removed"));
  };
  return html`<section aria-labelledby="proxies">
    <h2 id="proxies">${t("proxy.title")}</h2>
    <ul>${proxies.map((one) => {
      const words = t("proxy.comes", { who: one.receiver_name ?? nameOf(one.receiver_id), whom: recipients.get(one.recipient_id) ?? nameOf(one.recipient_id) });
      return html`<li>${words} ${one.reason ?? ""}
        ${asksFirst(`proxy-${one.recipient_id}`, t("proxy.remove"), { name: `${t("proxy.remove")}: ${words}`, about: () => html`<p>${t("proxy.remove-sure")}</p>`, work: remove(one) })}</li>`;
    })}</ul>
    ${recipients.size
      ? html`${groupProposals()} ${form(
          html`${choice("for", t("proxy.for"), [...recipients])}
          ${field("receiver-name", t("proxy.name"), { maxlength: 100, hint: t("proxy.name-hint") })}
          ${field("receiver-id", t("proxy.id"), { maxlength: 64, list: "groups" })}
          ${field("proxy-reason", t("proxy.reason"), { maxlength: 200 })}`,
          t("proxy.save"),
          save,
          { kind: "plain" },
        )}`
      : html`<p>${t("proxy.nobody")}</p>`}
  </section>`;
}

function hallOf(ceremony) {
  const path = `${pathOf(ceremony.ceremony_id)}/hall-link`;
  const make = async () => {
    const { hall_code, expires_at } = await change("awards", path, { method: "POST", again: false });
    hall = { address: `${location.origin}/api/awards/hall/${encodeURIComponent(hall_code)}`, until: expires_at };
    announce(t("hall.made"));
  };
  const end = async () => {
    await change("awards", path, { method: "DELETE" });
    hall = null;
    announce(t("hall.ended"));
  };
  return html`<section aria-labelledby="hall">
    <h2 id="hall">${t("hall.title")}</h2>
    <p>${t("hall.explained")}</p>
    ${hall
      ? html`<p class="field">
            <label for="hall-link">${t("hall.link", { until: moment(hall.until) })}</label>
            <input id="hall-link" readonly .value=${hall.address}>
          </p>
          <div class="row">${button(t("hall.copy"), copy, { kind: "main" })} <a class="button" href=${hall.address}>${t("hall.open")}</a></div>`
      : asksFirst("hall", t("hall.make"), { kind: "main", about: () => html`<p>${t("hall.make-sure")}</p>`, go: t("hall.make-now"), work: make })}
    ${asksFirst("hall-end", t("hall.end"), { about: () => html`<p>${t("hall.end-sure")}</p>`, work: end })}
  </section>`;
}

async function copy() {
  try {
    await navigator.clipboard.writeText(hall.address);
    announce(t("hall.copied"));
  } catch {
    // The browser does not allow it: it can be copied by hand.
    document.getElementById("hall-link").select();
    announce(t("hall.by-hand"));
  }
}
