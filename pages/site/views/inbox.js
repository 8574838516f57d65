// One's own messages.
import { account } from "../parts/account.js";
import { all, ask } from "../parts/api.js";
import { language } from "../parts/language.js";
import { attempt, html, loading, nothing, show, signInFirst, t, update } from "../parts/page.js";
import { spoken } from "../parts/spoken.js";
import { moment } from "../parts/times.js";

let messages = null;

show(() => t("menu.inbox"), body);
if (account())
  await attempt(async () => {
    messages = await all("notifications", `/inbox?language=${language}`, "messages", 500);
  });

function body() {
  if (!account()) return signInFirst();
  if (!messages) return loading();
  if (!messages.length) return html`<p>${t("inbox.none")}</p>`;
  return html`<ul class="cards">
    ${messages.map(
      (one) => html`<li class="card">
        <details @toggle=${() => opened(one)}>
          <summary><h2 class="subject">${spoken(one.subject)}</h2> ${one.read_at ? nothing : html`<strong class="fair">${t("inbox.new")}</strong>`} <small>${moment(one.created_at)}</small></summary>
          <p class="text">${spoken(one.body)}</p>
        </details>
      </li>`,
    )}
  </ul>`;
}

async function opened(one) {
  if (one.read_at) return;
  one.read_at = new Date().toISOString();
  await ask("notifications", `/inbox/${one.message_id}/read`, { method: "POST", again: true }).catch(() => {});
  update();
}
