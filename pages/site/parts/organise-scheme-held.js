// The awards of a scheme: find one, revoke it, let it hold again, replace it. And those that are not earned any more.
import { all } from "./api.js";
import { alsoWords } from "./language.js";
import { asksFirst, change } from "./organise-changing.js";
import { tick } from "./organise-fields.js";
import { nameOf, who } from "./organise-recipients.js";
import { download, organise, organiseAll } from "./organiser.js";
import { announce, button, choice, field, form, html, nothing, t } from "./page.js";
import { moment } from "./times.js";

await alsoWords("organise-scheme");

const PAGE = 30;
// Of so many awards one is found by its code or recipient.
const FOUND_MAX = 20_000;
const SCHEMES_MAX = 500;
let awards = [];
let after = null;
let looking = "";
let unearned = [];
let unearnedAfter = null;
// Other schemes by which an award may be conferred instead.
let others = [];

export async function loadHeld(scheme) {
  const [page, outdated] = await Promise.all([
    looking ? find(scheme) : organise("awards", `${pathOf(scheme)}&limit=${PAGE}`),
    scheme.rule.quiz_id ? organise("awards", `/schemes/${encodeURIComponent(scheme.scheme_id)}/unearned?limit=${PAGE}`) : { awards: [], after: null },
  ]);
  ({ awards, after } = page);
  ({ awards: unearned, after: unearnedAfter } = outdated);
}

function pathOf(scheme) {
  return `/awards?scheme_id=${encodeURIComponent(scheme.scheme_id)}`;
}

async function find(scheme) {
  const found = await organiseAll("awards", pathOf(scheme), "awards", FOUND_MAX);
  const wanted = looking.toLowerCase();
  const fits = (one) => [one.award_code, one.recipient_id ?? "", nameOf(one.recipient_id)].some((text) => text.toLowerCase().includes(wanted));
  return { awards: found.filter(fits), after: null };
}

export function heldAwards(scheme, reload) {
  return html`
    <section aria-labelledby="awards">
      <h2 id="awards">${t("held.title")}</h2>
      ${form(field("looking", t("held.looking"), { value: looking, maxlength: 64, hint: t("held.looking-hint") }), t("held.find"), (fields) => look(scheme, fields), { kind: "plain" })}
      ${awards.length ? html`<ul class="cards">${awards.map((one) => card(one, scheme, reload))}</ul>` : html`<p>${t(looking ? "held.none-found" : "held.none")}</p>`}
      ${after ? button(t("awards.more"), () => more(scheme)) : nothing}
    </section>
    ${unearned.length ? unearnedAwards(scheme, reload) : nothing}
  `;
}

async function look(scheme, fields) {
  looking = fields.looking.trim();
  await loadHeld(scheme);
}

async function more(scheme) {
  const page = await organise("awards", `${pathOf(scheme)}&limit=${PAGE}&after=${encodeURIComponent(after)}`);
  awards = [...awards, ...page.awards];
  after = page.after;
}

function card(one, scheme, reload) {
  return html`<li class="card" data-award=${one.award_code} data-status=${one.status}>
    <h3>${who(one.recipient_id)}</h3>
    <p>${one.tier ? `${one.tier} · ` : ""}<strong class=${one.status === "held" ? "good" : "bad"}>${t(`award.${one.status}`)}</strong>
      ${one.shared ? t("held.shared") : nothing}</p>
    <p class="quiet"><a href="/verify?code=${encodeURIComponent(one.award_code)}">${one.award_code}</a> · ${t("verify.issued")}: ${moment(one.issued_at)}</p>
    ${one.revoked_at ? html`<p>${t("verify.revoked-at")}: ${moment(one.revoked_at)} ${one.reason ?? ""}</p>` : nothing}
    ${one.note ? html`<p>${t("confer.note")}: ${one.note}</p>` : nothing}
    <div class="row">${one.status === "held" ? ofHeld(one, scheme, reload) : ofRevoked(one, reload)}</div>
  </li>`;
}

function ofHeld(one, scheme, reload) {
  return html`
    ${revoking(one, scheme, reload)}
    ${scheme.rule.type === "conferred" ? replacing(one, scheme, reload) : nothing}
    ${asksFirst(`document-${one.award_id}`, t("held.document"), {
      name: spoken("held.document", one),
      kind: "plain",
      about: () => html`<p>${t("held.document-explained")}</p>
        ${field("reason", t("opening.reason"), { required: true, maxlength: 200, hint: t("opening.reason-hint") })}
        ${choice("language", t("documents.language"), [["zh-CN", "中文"], ["en", "English"]])}`,
      go: t("documents.download"),
      work: async ({ reason, language }) => {
        const path = `/awards/${encodeURIComponent(one.award_code)}/document.pdf`;
        download(await change("awards", path, { method: "POST", body: { reason, language }, as: "blob", seconds: 60 }), `${one.award_code}.pdf`);
      },
    })}
  `;
}

function ofRevoked(one, reload) {
  // What the rule has taken back comes back by the rule.
  if (one.status !== "revoked" || one.code) return one.code ? html`<p>${t(`withdrawn.${one.code}`)}</p>` : nothing;
  return asksFirst(`reinstate-${one.award_id}`, t("held.reinstate"), {
    name: spoken("held.reinstate", one),
    kind: "plain",
    about: () => html`<p>${t("held.reinstate-sure")}</p>`,
    go: t("held.reinstate-now"),
    work: async () => {
      await change("awards", `/awards/${encodeURIComponent(one.award_id)}/reinstate`, { method: "POST" });
      await reload();
      announce(t("held.reinstated"));
    },
  });
}

/** The words of a button with the award that it is about, for those who hear it. */
function spoken(key, one) {
  return `${t(key)}: ${nameOf(one.recipient_id)}`;
}

function revoking(one, scheme, reload, where = "") {
  return asksFirst(`revoke-${where}${one.award_id}`, t("held.revoke"), {
    name: spoken("held.revoke", one),
    about: () => html`<p>${t("held.revoke-sure")}</p>
      ${field("reason", t("held.reason"), { required: true, maxlength: 200, hint: t("held.reason-hint") })}
      ${scheme.rule.next_in_rank ? tick("free", t("held.place-free")) : nothing}`,
    go: t("held.revoke-now"),
    work: async ({ reason, free }) => {
      await change("awards", `/awards/${encodeURIComponent(one.award_id)}/revoke`, { method: "POST", body: { reason, place_free: Boolean(free) } });
      await reload();
      announce(t("held.revoked"));
    },
  });
}

function replacing(one, scheme, reload) {
  return asksFirst(`replace-${one.award_id}`, t("held.replace"), {
    name: spoken("held.replace", one),
    before: async () => {
      const schemes = await all("awards", "/schemes", "schemes", SCHEMES_MAX, { token: null });
      others = schemes.filter((other) => other.rule.type === "conferred" && other.issue.type === "at_once");
    },
    about: () => html`<p>${t("held.replace-sure")}</p>
      ${field("instead", t("held.instead"), { value: one.recipient_id ?? "", required: true, maxlength: 64, list: "groups" })}
      ${choice("by", t("held.by"), others.map((other) => [other.scheme_id, other.title]), { value: scheme.scheme_id })}
      ${field("reason", t("held.reason"), { required: true, maxlength: 200, hint: t("held.reason-hint") })}
      ${field("new-note", t("confer.note"), { maxlength: 200, hint: t("confer.note-hint") })}`,
    go: t("held.replace-now"),
    work: async (fields) => {
      const body = { reason: fields.reason, recipient_id: fields.instead.trim(), scheme_id: fields.by, note: fields["new-note"].trim() || null };
      const { award_code } = await change("awards", `/awards/${encodeURIComponent(one.award_id)}/replace`, { method: "POST", body });
      await reload();
      announce(t("held.replaced", { code: award_code }));
    },
  });
}

function unearnedAwards(scheme, reload) {
  return html`<section aria-labelledby="unearned">
    <h2 id="unearned">${t("unearned.title")}</h2>
    <p>${t("unearned.explained")}</p>
    <ul class="cards">${unearned.map(
      ({ award, code, tier_now }) => html`<li class="card">
        <h3>${who(award.recipient_id)}</h3>
        <p><strong>${t(`unearned.${code}`, { tier: tier_now ?? "–" })}</strong> ${award.tier ?? ""}</p>
        <p class="quiet"><code>${award.award_code}</code></p>
        ${revoking(award, scheme, reload, "unearned-")}
      </li>`,
    )}</ul>
    ${unearnedAfter ? button(t("awards.more"), () => moreUnearned(scheme)) : nothing}
  </section>`;
}

async function moreUnearned(scheme) {
  const page = await organise("awards", `/schemes/${encodeURIComponent(scheme.scheme_id)}/unearned?limit=${PAGE}&after=${encodeURIComponent(unearnedAfter)}`);
  unearned = [...unearned, ...page.awards];
  unearnedAfter = page.after;
}
