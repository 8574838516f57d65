// Organisers' overview: where the week stands.
import { organise, showToOrganisers } from "../parts/organiser.js";
import { html, loading, t } from "../parts/page.js";

let quizzes = null;

await showToOrganisers(() => t("organise.overview"), body, async () => {
  quizzes = (await organise("quiz", "/quizzes?limit=20")).quizzes;
});

function body() {
  if (!quizzes) return loading();
  return html`<ul class="cards">
    ${quizzes.map((one) => html`<li class="card"><a href="/organise-contest?quiz=${encodeURIComponent(one.quiz_id)}">${one.title}</a></li>`)}
  </ul>`;
}
