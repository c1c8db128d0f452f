// Signing up and in, forgotten passwords, the second factor.

import { html, useState } from "../vendor/preact.js";
import { keep, post } from "../api.js";
import { Field, Form } from "../forms.js";
import { language, t } from "../texts.js";
import { Button, Problem, useAction } from "../ui.js";
import { Undo } from "./contact.js";

const identity = (text) => (text.includes("@") ? { email: text.trim() } : { phone: text.trim() });

export function SignIn({ enter, initial = "up", isOpen = true }) {
  const [mode, setMode] = useState(initial);
  const [who, setWho] = useState(""); // typed once, for all the forms
  const [ticket, setTicket] = useState(null);
  const [registration, setRegistration] = useState(null);
  if (registration) {
    return html`<${Verify} ticket=${registration} done=${enter}
      back=${() => setRegistration(null)} />`;
  }
  if (ticket) {
    return html`<${SecondFactor} ...${ticket} enter=${enter} back=${() => setTicket(null)} />`;
  }
  if (mode === "undo") return html`<${Undo} back=${() => setMode("in")} />`;
  const shared = { who, setWho, change: setMode };
  if (mode === "forgot") return html`<${Forgotten} ...${shared} />`;
  return html`<${Credentials} isNew=${mode === "up"} enter=${enter} ask=${setTicket}
    registered=${setRegistration} isOpen=${isOpen} key=${mode} ...${shared} />`;
}

function Who({ who, setWho }) {
  return html`<${Field} label=${t("field.identity")} name="username" keys=${["email", "phone"]}
    autocomplete="username" required dir="ltr" value=${who}
    onInput=${(e) => setWho(e.target.value)} />`;
}

function Credentials({ isNew, isOpen, enter, ask, registered, change, who, setWho }) {
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const submit = useAction(async () => {
    const body = { ...identity(who), password };
    if (isNew) {
      body.language = language();
      if (code.trim()) body.referral_code = code.trim();
      return registered((await post("/v1/auth/register", body)).ticket);
    }
    const answer = await post("/v1/auth/login", { ...body, in_cookie: true });
    if (answer.ticket) return ask(answer);
    keep(answer);
    return enter();
  });
  const more = html`${isOpen && html`<button type="button" class="button quiet"
      onClick=${() => change(isNew ? "in" : "up")}>
      ${t(isNew ? "signin.other" : "signup.other")}</button>`}
    ${!isNew && html`<button type="button" class="button quiet" onClick=${() => change("forgot")}>
      ${t("forgot")}</button>
      <button type="button" class="button quiet" onClick=${() => change("undo")}>
      ${t("contact.undo")}</button>`}`;
  return html`<${Form} class="card" action=${submit} more=${more}
      button=${t(isNew ? "signup.button" : "signin.button")}>
    <h1>${t(isNew ? "signup.title" : "signin.title")}</h1>
    <${Who} who=${who} setWho=${setWho} />
    <${Field} label=${t("field.password")} name="password" type="password" required
      minlength=${isNew ? 8 : null} hint=${isNew ? t("field.password.hint") : null} dir="ltr"
      value=${password} autocomplete=${isNew ? "new-password" : "current-password"}
      onInput=${(e) => setPassword(e.target.value)} />
    ${isNew && html`<${Field} label=${t("field.referral")} name="referral" keys=${["referral_code"]}
      dir="ltr" value=${code} maxlength="20" onInput=${(e) => setCode(e.target.value)} />`}<//>`;
}

function Forgotten({ who, setWho, change }) {
  const [ticket, setTicket] = useState(null);
  const [code, setCode] = useState("");
  const [password, setPassword] = useState("");
  const ask = useAction(async () => {
    setTicket((await post("/v1/auth/password/forgotten", identity(who))).ticket);
  });
  const reset = useAction(async () => {
    const sent = { ticket, code: code.trim(), password, in_cookie: true };
    await post("/v1/auth/password/reset", sent);
    change("in");
  });
  const typed = (text) => {
    setWho(text);
    setTicket(null); // it is the other address's
  };
  const more = html`${ticket && html`<${Problem} error=${ask.error} />
    <${Button} action=${ask} kind="quiet">${t("verify.resend")}<//>`}
    <button type="button" class="button quiet" onClick=${() => change("in")}>
    ${t("cancel")}</button>`;
  return html`<${Form} class="card" action=${ticket ? reset : ask} more=${more}
      button=${t(ticket ? "forgot.set" : "forgot.send")}>
    <h1>${t("forgot.title")}</h1>
    <${Who} who=${who} setWho=${typed} />
    ${ticket && html`<p role="status">${t("forgot.sent")}</p>
      <${Field} label=${t("field.code")} name="code" value=${code} required inputmode="numeric"
        dir="ltr" autocomplete="one-time-code" onInput=${(e) => setCode(e.target.value)} />
      <${Field} label=${t("field.newpassword")} type="password" name="password" value=${password}
        required minlength="8" hint=${t("field.password.hint")} dir="ltr"
        autocomplete="new-password" onInput=${(e) => setPassword(e.target.value)} />`}<//>`;
}

function SecondFactor({ ticket, methods, enter, back }) {
  const [method, setMethod] = useState(methods[0]);
  const [code, setCode] = useState("");
  const confirm = useAction(async () => {
    keep(await post("/v1/auth/mfa", { ticket, method, code: code.trim(), in_cookie: true }));
    enter();
  });
  const sendCode = useAction(() => post("/v1/auth/mfa/send", { ticket }));
  const next = methods[(methods.indexOf(method) + 1) % methods.length];
  const more = html`<${Problem} error=${sendCode.error} />
    ${method === "code" && html`<${Button} action=${sendCode} kind="quiet">${t("mfa.send")}<//>`}
    ${next !== method && html`<button type="button" class="button quiet"
      onClick=${() => setMethod(next)}>${t("mfa.other")}</button>`}
    <button type="button" class="button quiet" onClick=${back}>${t("cancel")}</button>`;
  return html`<${Form} class="card" action=${confirm} button=${t("signin.button")} more=${more}>
    <h1>${t("mfa.title")}</h1>
    <${Field} label=${t(`mfa.${method}`)} name="code" value=${code} required dir="ltr"
      autocomplete="one-time-code" inputmode=${method === "recovery" ? "text" : "numeric"}
      onInput=${(e) => setCode(e.target.value)} /><//>`;
}

/** The code of our message: with the ticket of a registration it makes the account. */
export function Verify({ done, ticket, back }) {
  const [code, setCode] = useState("");
  const [isSent, setSent] = useState(false);
  const whose = ticket ? { ticket } : {};
  const verify = useAction(async () => {
    const sent = ticket ? { ticket, in_cookie: true } : {};
    const tokens = await post("/v1/auth/verify", { code: code.trim(), ...sent });
    if (ticket) keep(tokens);
    done();
  });
  const again = useAction(async () => {
    setSent(false);
    await post("/v1/auth/verification-code", whose);
    setSent(true);
  });
  const more = html`<${Problem} error=${again.error} />
    <${Button} action=${again} kind="quiet">${t(isSent ? "verify.sent" : "verify.resend")}<//>
    ${back && html`<button type="button" class="button quiet" onClick=${back}>${t("cancel")}</button>`}`;
  return html`<${Form} class="card" action=${verify} button=${t("verify.button")} more=${more}>
    <h2>${t("verify.title")}</h2>
    <p>${t(ticket ? "verify.message" : "verify.text")}</p>
    <${Field} label=${t("field.code")} value=${code} required inputmode="numeric" name="code"
      dir="ltr" autocomplete="one-time-code" onInput=${(e) => setCode(e.target.value)} /><//>`;
}
