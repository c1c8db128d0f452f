// The address that one signs in with: changing it, confirming, and the way back.

import { html, useState } from "../vendor/preact.js";
import { get, post, Refused, request } from "../api.js";
import { useFactor } from "../factor.js";
import { dateTime } from "../format.js";
import { Field, Form } from "../forms.js";
import { t } from "../texts.js";
import { Button, Problem, Sheet, useAction, useLoaded } from "../ui.js";

const identity = (text) => (text.includes("@") ? { email: text.trim() } : { phone: text.trim() });

/** The change that is under way, or null. */
async function underWay() {
  try {
    return await get("/v1/me/contact");
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return null;
    throw error;
  }
}

export function Contact({ profile, reload }) {
  const [change, error, again] = useLoaded(underWay);
  const [isOpen, setOpen] = useState(false);
  const done = () => {
    setOpen(false);
    again();
    reload();
  };
  return html`<div class="card"><h2>${t("contact.title")}</h2>
    ${[profile.email, profile.phone].filter(Boolean).map((one) => html`
      <p key=${one}><strong dir="ltr">${one}</strong></p>`)}
    <${Problem} error=${error} />
    ${change ? html`<${Pending} change=${change} done=${done} key=${change.status} />`
      : html`<button type="button" class="button quiet" onClick=${() => setOpen(true)}>
        ${t("contact.change")}</button>`}
    ${isOpen && html`<${Sheet} title=${t("contact.change")} close=${() => setOpen(false)}>
      <${Change} done=${done} /><//>`}
  </div>`;
}

function Change({ done }) {
  const [who, setWho] = useState("");
  const [password, setPassword] = useState("");
  const [withFactor, factor] = useFactor();
  const submit = useAction(() => withFactor(async (second) => {
    await post("/v1/me/contact", { ...identity(who), password, ...second });
    done();
  }));
  return html`<${Form} action=${submit} button=${t("contact.send")}><p>${t("contact.text")}</p>
    <${Field} label=${t("contact.new")} name="contact" keys=${["email", "phone"]} value=${who}
      dir="ltr" required autocomplete="off" onInput=${(e) => setWho(e.target.value)} />
    <${Field} label=${t("field.password")} name="password" type="password" value=${password}
      dir="ltr" required autocomplete="current-password"
      onInput=${(e) => setPassword(e.target.value)} />
    ${factor}<//>`;
}

/** What is to come, and what can be done about it. */
function Pending({ change, done }) {
  const side = { REQUESTED: "new", WAITING: "old" }[change.status];
  const [code, setCode] = useState("");
  const confirm = useAction(async () => {
    await post("/v1/me/contact/confirm", { address: side, code });
    done();
  });
  const again = useAction(() => post("/v1/me/contact/code", { address: side }));
  const cancel = useAction(async () => {
    await request("DELETE", "/v1/me/contact");
    done();
  });
  const at = change.status === "APPLIED" ? change.back_until : change.effective_at;
  return html`<p role="status">${t(`contact.${change.status}`, {
    address: change.address, at: at ? dateTime(at) : "" })}</p>
    ${side && html`<${Form} action=${confirm} button=${t("contact.confirm")}>
        <${Field} label=${t("field.code")} name="contact-code" keys=${["code"]} value=${code}
          inputmode="numeric" dir="ltr" required autocomplete="one-time-code"
          onInput=${(e) => setCode(e.target.value)} /><//>
      <${Problem} error=${again.error ?? cancel.error} />
      <${Button} action=${again} kind="quiet">${t("verify.resend")}<//>
      <${Button} action=${cancel} kind="quiet">${t("contact.cancel")}<//>`}`;
}

/** Where whoever reads the former address takes a change back. */
export function Undo({ back }) {
  const [token, setToken] = useState("");
  const [status, setStatus] = useState(null);
  const undo = useAction(async () => {
    setStatus((await post("/v1/auth/contact/undo", { token: token.trim() })).status);
  });
  return html`<div class="card"><h1>${t("contact.undo")}</h1>
    ${status ? html`<p role="status">${t(`contact.${status}`)}</p>`
      : html`<${Form} action=${undo} button=${t("contact.undo.button")}>
        <p>${t("contact.undo.text")}</p>
        <${Field} label=${t("contact.token")} name="token" keys=${["code"]} value=${token} dir="ltr"
          required autocomplete="off" onInput=${(e) => setToken(e.target.value)} /><//>`}
    <button type="button" class="button quiet" onClick=${back}>${t("cancel")}</button></div>`;
}
