// Item statistics of a contest: how hard each question is, how well it measures, and which ones look wrong.
import { alsoWords } from "../parts/language.js";
import { addressOf, back, path } from "../parts/organise-quiz.js";
import { progress, until } from "../parts/organise-waiting.js";
import { mayChange, organise, showToOrganisers } from "../parts/organiser.js";
import { button, choice, html, loading, nothing, t, update } from "../parts/page.js";
import { moment } from "../parts/times.js";

await alsoWords("organise-contest-marks");

let figures = null;
let wanted = "doubtful";
let following = false;

await showToOrganisers(() => t("ways.statistics"), body, async () => {
  await read();
  follow();
});

async function read() {
  figures = await organise("quiz", `${path}/statistics`);
}

async function follow() {
  if (following) return;
  following = true;
  await until(() => !figures.due && !figures.reading, read);
  following = false;
  update();
}

function body() {
  if (!figures) return loading();
  const shown = figures.questions.filter((one) => wanted === "all" || one.doubts.length);
  return html`
    ${back()}
    <p>${t("item.explained")}</p>
    <p>${figures.made_at ? t(figures.final ? "item.final" : "item.made", { at: moment(figures.made_at), n: figures.attempts ?? 0 }) : t("item.none")}</p>
    ${figures.due || figures.reading ? progress(t("item.reading"), figures.reading?.percent ?? null) : mayChange() ? button(t("item.again"), again) : nothing}
    ${figures.paper ? paper(figures.paper) : nothing}
    <h2>${t("item.questions")}</h2>
    ${choice("wanted", t("item.which"), ["doubtful", "all"].map((one) => [one, t(`item.which-${one}`)]), { value: wanted, changed: (value) => (wanted = value) })}
    ${shown.length ? shown.map(card) : html`<p>${t(wanted === "all" ? "item.no-questions" : "item.no-doubts")}</p>`}
  `;
}

async function again() {
  figures = { ...figures, ...(await organise("quiz", `${path}/statistics`, { method: "POST", again: true })) };
  follow();
}

function paper(one) {
  const rows = [
    ["mean", `${one.mean_points} / ${figures.points_max}`],
    ["median", one.median_points],
    ["sd", one.sd_points],
    ["alpha", one.alpha_percent === null ? null : `${one.alpha_percent}%`],
    ["error", one.standard_error_points],
  ];
  return html`<h2>${t("item.paper")}</h2>
    <dl>${rows.map(([name, value]) => html`<dt>${t(`item.${name}`)}</dt><dd>${value ?? t("item.few")}</dd>`)}</dl>`;
}

function card(one) {
  const percent = (value) => (value === null ? t("item.few") : `${value}%`);
  return html`<section class="card" aria-labelledby="item-${one.id}-${one.quiz_version}">
    <h3 id="item-${one.id}-${one.quiz_version}">${one.text}</h3>
    ${one.doubts.map((doubt) => html`<p class="fair">${doubt.reason}</p>`)}
    <p>${t("item.facility")} <strong>${percent(one.facility_percent)}</strong> · ${t("item.discrimination")} <strong>${percent(one.discrimination_percent)}</strong> · ${t("item.attempts", { n: one.attempts })}</p>
    ${one.options.length ? options(one) : nothing}
    ${mayChange() ? html`<p><a href="${addressOf("organise-contest-corrections")}&question=${encodeURIComponent(one.id)}">${t("item.correct")}</a></p>` : nothing}
  </section>`;
}

function options(one) {
  return html`<table>
    <thead><tr><th scope="col">${t("item.option")}</th><th scope="col">${t("item.chosen")}</th><th scope="col">${t("item.their-mean")}</th></tr></thead>
    <tbody>${one.options.map((option) => html`<tr><td>${option.option ?? t("item.nothing")} ${option.right ? html`<strong class="good">${t("item.key")}</strong>` : nothing}</td>
      <td>${option.attempts}</td><td>${option.mean_points ?? "–"}</td></tr>`)}</tbody>
  </table>`;
}
