// Names and contacts behind pseudonymous ids. They are opened with a reason, which the log of acts keeps, and stay
// only until the page is left.
import { alsoWords } from "./language.js";
import { organise } from "./organiser.js";
import { announce, choice, field, form, html, t } from "./page.js";

await alsoWords("organise-session");

// As many as notifications opens in one request.
const OPENED_MAX = 200;
// What a spreadsheet would read as a formula, as the services' own files have it.
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;
const names = new Map();

/** {state, name, email, phone} of a participant, once opened. */
export function opened(id) {
  return names.get(id);
}

/** Who somebody is in words: the name and the contact if they are opened, else the id. */
export function who(id) {
  const one = names.get(id);
  if (!one) return html`<code>${id}</code>`;
  if (one.state !== "opened") return html`<code>${id}</code> (${t(`opening.${one.state}`)})`;
  return html`<strong>${one.name}</strong> ${one.email ?? ""} ${one.phone ?? ""}`;
}

/** `shown`: the ids that are on the page; `download` gives the file of all of them. */
export function openingForm(shown, download) {
  return html`<details>
    <summary>${t("opening.title")}</summary>
    <p>${t("opening.explained")}</p>
    ${form(
      html`
        ${field("why", t("opening.reason"), { required: true, maxlength: 200, hint: t("opening.reason-hint") })}
        ${choice("how", t("opening.how"), [["show", t("opening.show")], ["download", t("opening.download")]])}
      `,
      t("opening.go"),
      async ({ why, how }) => {
        if (how === "download") return download(why);
        await open(shown(), why);
        announce(t("opening.done"));
      },
      { kind: "plain", names: { reason: "why" } },
    )}
  </details>`;
}

export async function open(ids, reason) {
  const missing = [...new Set(ids)].filter((id) => names.get(id)?.state !== "opened");
  for (let from = 0; from < missing.length; from += OPENED_MAX) {
    const body = { participant_ids: missing.slice(from, from + OPENED_MAX), reason: reason.trim() };
    const { contacts } = await organise("notifications", "/contacts/openings", { method: "POST", body });
    for (const one of contacts) names.set(one.participant_id, one);
  }
}

/** Rows as a file that every spreadsheet opens, Chinese too. */
export function csv(rows) {
  const cell = (value) => {
    const text = typeof value === "string" && FORMULA.test(value) ? `'${value}` : String(value ?? "");
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return new Blob(["\uFEFF", rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("")], { type: "text/csv" });
}
