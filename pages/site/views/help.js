// What people ask, in few words.
import { html, show, t } from "../parts/page.js";

const QUESTIONS = ["place", "code", "contest", "offline", "award", "child", "data"];

show(() => t("menu.help"), () => html`${QUESTIONS.map(
  (one) => html`<section class="card"><h2>${t(`help.${one}`)}</h2><p>${t(`help.${one}-answer`)}</p></section>`,
)}`);
