// Documents of a scheme's awards: how they look, and files with all of them for a printer.
import { alsoWords, language } from "./language.js";
import { act, asksFirst, change } from "./organise-changing.js";
import { progress, until } from "./organise-waiting.js";
import { download, mayChange, organise, organiseAll } from "./organiser.js";
import { announce, button, choice, form, html, nothing, t } from "./page.js";
import { day, moment } from "./times.js";

await alsoWords("organise-scheme");

const TEMPLATES_MAX = 500;
const PDF_SECONDS = 60;
let templates = [];
let prints = [];
let watching = false;

export async function loadDocuments(scheme) {
  const [found, lines] = await Promise.all([
    organiseAll("awards", "/templates", "templates", TEMPLATES_MAX),
    mayChange() ? organise("awards", printsOf(scheme)).then((answer) => answer.prints) : [],
  ]);
  templates = found;
  // With the files of each.
  prints = await Promise.all(lines.map((one) => organise("awards", `${printsOf(scheme)}/${one.print_id}`).catch(() => ({ ...one, files: [], unprintable: [] }))));
  if (isWorking() && !watching) watch(scheme);
}

function printsOf(scheme) {
  return `/schemes/${encodeURIComponent(scheme.scheme_id)}/prints`;
}

function isWorking() {
  return prints.some((one) => one.state === "working");
}

function watch(scheme) {
  watching = true;
  until(() => !isWorking(), () => loadDocuments(scheme)).finally(() => (watching = false));
}

/** `counts`: of the scheme's awards. */
export function documents(scheme, counts) {
  return html`<section aria-labelledby="documents">
    <h2 id="documents">${t("documents.title")}</h2>
    ${template(scheme)}
    ${mayChange() ? printing(scheme, counts) : nothing}
  </section>`;
}

function template(scheme) {
  const own = templates.find((one) => one.schemes.includes(scheme.scheme_id));
  const options = [["", t("documents.default")], ...templates.map((one) => [one.template_id, one.title])];
  return html`
    <p>${own ? t("documents.template", { title: own.title }) : t("documents.without")}</p>
    ${own ? html`<p>${["zh-CN", "en"].map((one) => button(t(`documents-sample.${one}`), () => sample(own, one)))}</p>` : nothing}
    ${mayChange() && templates.length
      ? form(choice("template", t("documents.choose"), options, { value: own?.template_id ?? "" }), t("documents.use"), (fields) => use(scheme, own, fields.template), { kind: "plain" })
      : nothing}
  `;
}

async function sample(own, language) {
  const path = `/templates/${encodeURIComponent(own.template_id)}/sample.pdf?language=${language}`;
  download(await organise("awards", path, { as: "blob", seconds: PDF_SECONDS }), `${own.template_id}-${language}.pdf`);
}

/** A template names its schemes: this one leaves one template and joins another. */
async function use(scheme, before, wanted) {
  if ((before?.template_id ?? "") === wanted) return;
  if (before) await rename(before.template_id, (schemes) => schemes.filter((one) => one !== scheme.scheme_id));
  if (wanted) await rename(wanted, (schemes) => [...schemes, scheme.scheme_id]);
  await loadDocuments(scheme);
  announce(t("documents.used"));
}

async function rename(templateId, changed) {
  const path = `/templates/${encodeURIComponent(templateId)}`;
  const { content, tag } = await organise("awards", path, { as: "tagged" });
  await change("awards", path, { method: "PUT", tag, body: { ...content, schemes: changed(content.schemes) } });
}

function printing(scheme, counts) {
  return html`
    <h3>${t("prints.title")}</h3>
    <p>${t("prints.explained")}</p>
    ${counts.held
      ? form(
          choice("print-language", t("documents.language"), [["zh-CN", "中文"], ["en", "English"]], { value: language }),
          t("prints.begin", { n: counts.held }),
          (fields) => begin(scheme, fields["print-language"]),
          { kind: "plain" },
        )
      : html`<p>${t("prints.nothing")}</p>`}
    <ul class="cards">${prints.map((one) => print(one, scheme, counts))}</ul>
  `;
}

async function begin(scheme, language) {
  // A repeat would begin another print.
  await change("awards", printsOf(scheme), { method: "POST", body: { language }, again: false });
  await loadDocuments(scheme);
  announce(t("prints.begun"));
}

function print(one, scheme, counts) {
  const done = one.pages + one.left_out + one.unprintables;
  return html`<li class="card" data-print=${one.state}>
    <h4>${moment(one.started_at)} · ${one.language === "en" ? "English" : "中文"}</h4>
    ${one.state === "working" ? progress(t("prints.working", { n: one.pages }), done, counts.held) : html`<p>${t("prints.done", { n: one.pages, left: one.left_out })} ${t("prints.until", { at: day(one.kept_until) })}</p>`}
    ${one.state === "full" ? html`<p class="bad">${t("prints.full")}</p>` : nothing}
    ${one.unprintables ? html`<p class="bad">${t("prints.unprintable", { n: one.unprintables })} ${one.unprintable.map((each) => `${each.award_code} (${each.characters.join(" ")})`).join(", ")}</p>` : nothing}
    <ul>${one.files.map((file) => html`<li>${file.removed
      ? t("prints.removed", { n: file.number })
      : act(t("prints.file", { n: file.number, pages: file.pages, mb: Math.max(0.1, file.bytes / 1e6).toFixed(1) }), () => take(scheme, one, file))}</li>`)}</ul>
    ${asksFirst(`print-${one.print_id}`, t("prints.delete"), {
      about: () => html`<p>${t("prints.delete-sure", { n: one.files.length })}</p>`,
      work: async () => {
        await change("awards", `${printsOf(scheme)}/${one.print_id}`, { method: "DELETE" });
        await loadDocuments(scheme);
        announce(t("prints.deleted"));
      },
    })}
  </li>`;
}

async function take(scheme, one, file) {
  const path = `${printsOf(scheme)}/${one.print_id}/files/${file.number}.pdf`;
  download(await organise("awards", path, { as: "blob", seconds: PDF_SECONDS }), `${scheme.scheme_id}-${file.number}.pdf`);
}
