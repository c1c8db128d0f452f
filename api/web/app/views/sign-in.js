// Signing up and in, forgotten passwords, the second factor.

import { html, useState } from "../vendor/preact.js";
import { keep, post, Refused } from "../api.js";
import { language, t } from "../texts.js";
import { Field } from "../forms.js";
import { Button, Problem, useAction } from "../ui.js";

const identity = (text) => (text.includes("@") ? { email: text.trim() } : { phone: text.trim() });

export function SignIn({ enter, initial = "up", isOpen = true }) {
  const [mode, setMode] = useState(initial);
  const [ticket, setTicket] = useState(null);
  const [registration, setRegistration] = useState(null);
  if (registration) return html`<${Verify} ticket=${registration} done=${enter}
    back=${() => setRegistration(null)} />`;
  if (ticket) return html`<${SecondFactor} ...${ticket} enter=${enter} />`;
  if (mode === "forgot") return html`<${Forgotten} back=${() => setMode("in")} />`;
  return html`<${Credentials} isNew=${mode === "up"} enter=${enter} ask=${setTicket}
    registered=${setRegistration} change=${setMode} isOpen=${isOpen} key=${mode} />`;
}

function Credentials({ isNew, isOpen, enter, ask, registered, change }) {
  const [who, setWho] = useState("");
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
  const send = (event) => {
    event.preventDefault();
    submit.run();
  };
  return html`<form class="card" onSubmit=${send}>
    <h1>${t(isNew ? "signup.title" : "signin.title")}</h1>
    <${Field} label=${t("field.identity")} name="username" autocomplete="username" required
      dir="ltr" value=${who} onInput=${(e) => setWho(e.target.value)} />
    <${Field} label=${t("field.password")} name="password" type="password" required minlength="8"
      hint=${isNew ? t("field.password.hint") : null} dir="ltr" value=${password}
      autocomplete=${isNew ? "new-password" : "current-password"}
      onInput=${(e) => setPassword(e.target.value)} />
    ${isNew && html`<${Field} label=${t("field.referral")} name="referral" dir="ltr" value=${code}
      maxlength="20" onInput=${(e) => setCode(e.target.value)} />`}
    <${Problem} error=${submit.error} />
    <button class="button primary" disabled=${submit.isBusy}>
      ${t(isNew ? "signup.button" : "signin.button")}</button>
    ${isOpen && html`<button type="button" class="button quiet"
      onClick=${() => change(isNew ? "in" : "up")}>
      ${t(isNew ? "signin.other" : "signup.other")}</button>`}
    ${!isNew && html`<button type="button" class="button quiet" onClick=${() => change("forgot")}>
      ${t("forgot")}</button>`}
  </form>`;
}

function Forgotten({ back }) {
  const [who, setWho] = useState("");
  const [isSent, setSent] = useState(false);
  const [code, setCode] = useState("");
  const [password, setPassword] = useState("");
  const ask = useAction(async () => {
    await post("/v1/auth/password/forgotten", identity(who));
    setSent(true);
  });
  const change = useAction(async () => {
    await post("/v1/auth/password/reset", { ...identity(who), code: code.trim(), password });
    back();
  });
  return html`<div class="card">
    <h1>${t("forgot.title")}</h1>
    <${Field} label=${t("field.identity")} value=${who} dir="ltr" autocomplete="username"
      onInput=${(e) => setWho(e.target.value)} />
    ${isSent && html`<p role="status">${t("forgot.sent")}</p>
      <${Field} label=${t("field.code")} value=${code} inputmode="numeric" dir="ltr"
        autocomplete="one-time-code" onInput=${(e) => setCode(e.target.value)} />
      <${Field} label=${t("field.newpassword")} type="password" value=${password} dir="ltr"
        autocomplete="new-password" onInput=${(e) => setPassword(e.target.value)} />`}
    <${Problem} error=${ask.error ?? change.error} />
    ${isSent
      ? html`<${Button} action=${change}>${t("forgot.set")}<//>`
      : html`<${Button} action=${ask}>${t("forgot.send")}<//>`}
    <button type="button" class="button quiet" onClick=${back}>${t("cancel")}</button>
  </div>`;
}

function SecondFactor({ ticket, methods, enter }) {
  const [method, setMethod] = useState(methods[0]);
  const [code, setCode] = useState("");
  const confirm = useAction(async () => {
    keep(await post("/v1/auth/mfa", { ticket, method, code: code.trim(), in_cookie: true }));
    enter();
  });
  const sendCode = useAction(() => post("/v1/auth/mfa/send", { ticket }));
  const next = methods[(methods.indexOf(method) + 1) % methods.length];
  return html`<div class="card">
    <h1>${t("mfa.title")}</h1>
    <${Field} label=${t(`mfa.${method}`)} value=${code} dir="ltr" autocomplete="one-time-code"
      onInput=${(e) => setCode(e.target.value)} />
    <${Problem} error=${confirm.error ?? sendCode.error} />
    <${Button} action=${confirm}>${t("signin.button")}<//>
    ${method === "code" && html`<${Button} action=${sendCode} kind="quiet">${t("mfa.send")}<//>`}
    ${next !== method && html`<button type="button" class="button quiet"
      onClick=${() => setMethod(next)}>${t("mfa.other")}</button>`}
  </div>`;
}

/** The code of our message: with the ticket of a registration it makes the account. */
export function Verify({ done, ticket, back }) {
  const [code, setCode] = useState("");
  const whose = ticket ? { ticket } : {};
  const verify = useAction(async () => {
    try {
      const sent = ticket ? { ...whose, in_cookie: true } : {};
      const tokens = await post("/v1/auth/verify", { code: code.trim(), ...sent });
      if (ticket) keep(tokens);
    } catch (error) {
      // The form of a code is known here: what does not fit is wrong, not malformed.
      if (error instanceof Refused && error.status === 400) error.problem.type = "code-wrong";
      throw error;
    }
    done();
  });
  const again = useAction(() => post("/v1/auth/verification-code", whose));
  const [isSent, setSent] = useState(false);
  const send = (event) => {
    event.preventDefault();
    verify.run();
  };
  return html`<form class="card" onSubmit=${send}>
    <h2>${t("verify.title")}</h2>
    <p>${t(ticket ? "verify.message" : "verify.text")}</p>
    <${Field} label=${t("field.code")} value=${code} inputmode="numeric" name="code" dir="ltr"
      autocomplete="one-time-code" onInput=${(e) => setCode(e.target.value)} />
    <${Problem} error=${verify.error ?? again.error} />
    <button class="button primary" disabled=${verify.isBusy}>${t("verify.button")}</button>
    <button type="button" class="button quiet" disabled=${again.isBusy} onClick=${async () => {
      await again.run();
      setSent(true);
    }}>${t(isSent && !again.error && !again.isBusy ? "verify.sent" : "verify.resend")}</button>
    ${back && html`<button type="button" class="button quiet" onClick=${back}>${t("cancel")}</button>`}
  </form>`;
}
