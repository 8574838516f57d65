// Only on one's own machine (kepu up): the mails of this week, so that a newcomer finds the code.
import { html, keepFresh, show, t } from "../parts/page.js";

const FRESH_SECONDS = 3;
const SHOWN_MAX = 50;
let mails = [];

show(() => t("mail.title"), body);
await keepFresh(async () => {
  const answer = await fetch("/local/mail.jsonl", { cache: "no-store" });
  const lines = answer.ok ? (await answer.text()).trim().split("\n") : [];
  mails = lines.filter(Boolean).slice(-SHOWN_MAX).reverse().map((line) => JSON.parse(line));
}, FRESH_SECONDS);

function body() {
  return html`
    <p>${t("mail.explained")}</p>
    <ul class="cards">
      ${mails.map(
        (mail) => html`<li class="card">
          <h2>${mail.subject}</h2>
          <p class="quiet">${mail.to.join(", ")}</p>
          <p class="text">${mail.body}</p>
        </li>`,
      )}
    </ul>
  `;
}
