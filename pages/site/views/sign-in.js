// Sign in with a code, or join. With ?verify=ID the code of a newcomer is asked for at once.
import { nextAddress, signedIn } from "../parts/account.js";
import { ask } from "../parts/api.js";
import { contactField, contactNames, contactOf, personFields, personOf } from "../parts/person.js";
import { announceNext, button, field, form, html, nothing, show, t } from "../parts/page.js";

const asked = new URLSearchParams(location.search);
// "contact", "code" or "join".
let step = asked.get("verify") ? "code" : asked.get("join") !== null ? "join" : "contact";
let signInId = asked.get("verify") ?? "";
// A newcomer may go on without the code, and gives it later.
let isNewcomer = Boolean(signInId);

const STEPS = {
  contact: () => html`
    <p>${t("sign-in.explained")}</p>
    ${form(contactField(), t("sign-in.send"), askForCode, { names: contactNames })}
    <h2>${t("join.question")}</h2>
    <p>${button(t("join.open"), async () => (step = "join"))}</p>
  `,
  code: () => html`
    <p>${t(isNewcomer ? "code.sent" : "code.explained")}</p>
    ${form(
      field("code", t("code.label"), { required: true, autocomplete: "one-time-code", hint: t("code.hint"), maxlength: 40 }),
      t("code.send"),
      confirm,
      { names: { code_wrong: "code" } },
    )}
    <p>${t("code.missing")}</p>
    <div class="row">
      ${button(t(isNewcomer ? "code.resend" : "code.again"), async () => (step = "contact"))}
      ${isNewcomer ? html`<a class="button" href=${nextAddress()}>${t("code.later")}</a>` : nothing}
    </div>
  `,
  join: () => html`
    <p>${t("join.explained")}</p>
    ${form(personFields(), t("join.send"), join, { names: contactNames })}
    <p>${button(t("join.known"), async () => (step = "contact"))}</p>
  `,
};

show(() => t(step === "join" ? "join.title" : step === "code" && isNewcomer ? "sign-in.verify" : "sign-in.title"), () => STEPS[step]());

async function askForCode({ contact }) {
  const answer = await ask("registration", "/sign-ins", { method: "POST", body: contactOf(contact), token: null });
  signInId = answer.sign_in_id;
  isNewcomer = false;
  step = "code";
}

async function confirm({ code }) {
  const answer = await ask("registration", `/sign-ins/${encodeURIComponent(signInId)}/confirmations`, { method: "POST", body: { code }, token: null });
  signedIn(answer);
  announceNext(t("code.confirmed"));
  location.assign(nextAddress());
}

async function join(fields) {
  const answer = await ask("registration", "/participants", { method: "POST", body: personOf(fields), token: null });
  signedIn(answer);
  signInId = answer.participant_id;
  isNewcomer = true;
  step = "code";
}
