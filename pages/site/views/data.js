// One's own data: see, correct, choose messages, download, erase.
import { account, forgetAnswers, signedIn, signedOut } from "../parts/account.js";
import { all, ask } from "../parts/api.js";
import { AUDIENCES, contactField, contactNames, contactOf, districtField } from "../parts/person.js";
import { announce, attempt, button, choice, field, form, html, loading, show, signInFirst, t } from "../parts/page.js";

let me = null;
let preferences = null;
let erasing = false;

show(() => t("menu.data"), body);
if (account()) await attempt(read);

async function read() {
  [me, preferences] = await Promise.all([ask("registration", "/me"), ask("notifications", "/preferences").catch(() => null)]);
}

function body() {
  if (!account()) return signInFirst();
  if (!me) return loading();
  return html`
    <section aria-labelledby="who">
      <h2 id="who">${t("data.who")}</h2>
      <p>${t("data.contact", { contact: me.email ?? me.phone ?? "–" })} ${me.verified ? t("data.verified") : t("data.unverified")}</p>
      <p class="quiet">${t("data.number")} <code>${me.participant_id}</code></p>
      ${form(
        html`${field("name", t("person.name"), { value: me.name ?? "", required: true, autocomplete: "name", maxlength: 100 })}
        ${choice("audience", t("person.audience"), AUDIENCES.map((one) => [one, t(`audience.${one}`)]), { value: me.audience })}
        ${districtField({ value: me.district ?? "", autocomplete: "address-level3" })}
        ${choice("language", t("data.language"), [["zh-CN", "中文"], ["en", "English"]], { value: me.language })}`,
        t("data.save"),
        save,
      )}
    </section>
    <section aria-labelledby="contact-title">
      <h2 id="contact-title">${t("data.new-contact")}</h2>
      <p>${t("data.new-contact-explained")}</p>
      ${form(contactField(), t("data.change-contact"), changeContact, { kind: "plain", names: contactNames })}
    </section>
    <section aria-labelledby="messages">
      <h2 id="messages">${t("data.messages")}</h2>
      <p>${t("data.messages-explained")}</p>
      ${preferences === null ? html`<p>${t("trouble.unreached")}</p>` : form(
        html`${box("email", t("data.by-email"), preferences.email)} ${box("sms", t("data.by-sms"), preferences.sms)}`,
        t("data.save"),
        saveMessages,
      )}
    </section>
    <section aria-labelledby="copy">
      <h2 id="copy">${t("data.copy")}</h2>
      <p>${t("data.copy-explained")}</p>
      ${button(t("data.download"), download)}
    </section>
    <section aria-labelledby="erase">
      <h2 id="erase">${t("data.erase")}</h2>
      <p>${t("data.erase-explained")}</p>
      ${erasing
        ? html`<p><strong>${t("data.erase-sure")}</strong></p>
            ${button(t("data.erase-now"), erase, { kind: "danger" })} ${button(t("form.cancel"), async () => (erasing = false))}`
        : button(t("data.erase"), async () => (erasing = true), { kind: "danger" })}
    </section>
  `;
}

function box(name, words, checked) {
  return html`<p class="check"><input type="checkbox" id=${name} name=${name} ?checked=${checked}> <label for=${name}>${words}</label></p>`;
}

async function save({ name, audience, district, language }) {
  me = await ask("registration", "/me", { method: "PATCH", body: { name, audience, district: district || null, language } });
  signedIn(me);
  announce(t("data.saved"));
}

async function changeContact({ contact }) {
  const answer = await ask("registration", "/me", { method: "PATCH", body: contactOf(contact) });
  signedIn(answer);
  me = answer;
  if (answer.sign_in_id) location.assign(`/sign-in?verify=${encodeURIComponent(answer.sign_in_id)}&next=/data`);
  else announce(t("data.saved"));
}

async function saveMessages({ email, sms }) {
  preferences = await ask("notifications", "/preferences", { method: "PUT", body: { email: Boolean(email), sms: Boolean(sms), language: preferences.language } });
  announce(t("data.saved"));
}

async function download() {
  const [registrations, awards, messages, memberships] = await Promise.all([
    all("registration", "/registrations", "registrations"),
    all("awards", "/me/awards", "awards"),
    all("notifications", "/inbox", "messages"),
    ask("registration", "/me/memberships"),
  ]);
  const everything = { me, preferences, registrations, awards, messages, ...memberships };
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(everything, null, 2)], { type: "application/json" }));
  link.download = "kepu-week.json";
  link.click();
}

async function erase() {
  await ask("registration", "/participants/me", { method: "DELETE" });
  forgetAnswers(me.participant_id, { all: true });
  signedOut();
  location.assign("/");
}
