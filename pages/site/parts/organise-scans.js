// What was scanned at the door of a session, for looking into what went wrong.
import { alsoWords, named } from "./language.js";
import { organise } from "./organiser.js";
import { button, html, nothing, t } from "./page.js";
import { moment } from "./times.js";

await alsoWords("organise-session");

const PAGE = 100;
let scans = null;
let after = null;
let conflicts = false;

export function scansOf(session) {
  const load = async () => {
    scans = null;
    after = null;
    await more(session);
  };
  const switched = async () => {
    conflicts = !conflicts;
    await load();
  };
  if (!scans) return html`<p>${button(t("scans.show"), load)}</p>`;
  return html`
    <div class="row">${button(t("programme.again"), load)} ${button(t(conflicts ? "scans.all" : "scans.conflicts"), switched)}</div>
    ${scans.length
      ? html`<div class="wide" tabindex="0" role="region" aria-label=${t("scans.title")}>
          <table>
            <thead><tr><th scope="col">${t("scans.at")}</th><th scope="col">${t("scans.device")}</th><th scope="col">${t("scans.verdict")}</th><th scope="col">${t("scans.people")}</th></tr></thead>
            <tbody>${scans.map(row)}</tbody>
          </table>
        </div>`
      : html`<p>${t("scans.none")}</p>`}
    ${after ? button(t("people.more"), () => more(session)) : nothing}
  `;
}

function row(one) {
  return html`<tr>
    <td>${moment(one.scanned_at)}</td>
    <td>${one.device}<br><small>${t(`scan-means.${one.means}`)}</small></td>
    <td class=${one.verdict === "ok" ? "good" : "bad"}>${named("scan", one.verdict)}${one.let_in && one.verdict !== "ok" ? html`<br>${t("scans.let-in")}` : nothing}
      ${one.conflict ? html`<br><strong>${t("scans.conflict")}</strong>` : nothing}${one.undone_at ? html`<br>${t("scans.undone", { at: moment(one.undone_at) })}` : nothing}</td>
    <td>${one.people}</td>
  </tr>`;
}

async function more(session) {
  const asked = new URLSearchParams({ limit: PAGE, ...(conflicts ? { conflict: "true" } : {}), ...(after ? { after } : {}) });
  const page = await organise("registration", `/sessions/${encodeURIComponent(session.session_id)}/scans?${asked}`);
  scans = [...(scans ?? []), ...page.scans];
  after = page.after;
}
