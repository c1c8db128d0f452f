// The authenticator app: a code to scan, a code in return, and codes for when the phone is lost.

import { html, useState } from "../vendor/preact.js";
import { get, post, request } from "../api.js";
import { useFactor } from "../factor.js";
import { save } from "../files.js";
import { Field, Form } from "../forms.js";
import { reached } from "../network.js";
import { t } from "../texts.js";
import { Missing, useAction, useLoaded } from "../ui.js";

export function SecondFactor() {
  const [factors, error, reload] = useLoaded(() => get("/v1/auth/mfa"));
  const [password, setPassword] = useState("");
  const [secret, setSecret] = useState(null);
  const [kept, setKept] = useState(null);
  const [withFactor, factor] = useFactor();
  const begin = useAction(() => withFactor(async (second) => {
    setSecret(await post("/v1/auth/mfa/totp", { password, ...second }));
  }));
  const remove = useAction(() => withFactor(async (second) => {
    await request("DELETE", "/v1/auth/mfa", { body: { password, ...second } });
    setPassword("");
    reload();
  }));
  if (kept) return html`<${Recovery} codes=${kept} />`;
  if (secret) return html`<${Enrolment} secret=${secret} done=${setKept} />`;
  if (!factors) return html`<${Missing} error=${error} again=${reload} />`;
  const isOn = factors.methods.length > 0;
  return html`<${Form} action=${isOn ? remove : begin} key=${isOn}
      button=${t(isOn ? "me.mfa.off" : "me.totp.begin")}>
    <p>${t(isOn ? "me.mfa.is-on" : "me.totp.why")}</p>
    <${Field} label=${t("field.password")} type="password" name="password" value=${password}
      required dir="ltr" autocomplete="current-password"
      onInput=${(e) => setPassword(e.target.value)} />
    ${factor}<//>`;
}

function Enrolment({ secret, done }) {
  const [code, setCode] = useState("");
  const [path] = useLoaded(() => drawn(secret.uri));
  const confirm = useAction(async () => {
    done((await post("/v1/auth/mfa/totp/confirm", { code: code.trim() })).recovery_codes);
  });
  return html`<p>${t("me.totp.text")}</p>
    ${path && html`<svg class="qr" role="img" aria-label=${t("me.totp.qr")}
      viewBox=${`0 0 ${path.size} ${path.size}`}><path d=${path.line} /></svg>`}
    <p><a class="button quiet" href=${secret.uri}>${t("me.totp.open")}</a></p>
    <p class="secret"><code dir="ltr" id="secret">${secret.secret}</code>
      <${Copy} text=${secret.secret} /></p>
    <${Form} action=${confirm} button=${t("me.totp.confirm")}>
      <${Field} label=${t("mfa.totp")} name="code" value=${code} required inputmode="numeric"
        dir="ltr" autocomplete="one-time-code" onInput=${(e) => setCode(e.target.value)} /><//>`;
}

/** The squares of a QR code, as a path of one unit each. */
async function drawn(text) {
  const { encode } = await reached(import("../vendor/uqr.js"));
  const { data, size } = encode(text, { border: 4 });
  const dark = data.map((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : "")));
  return { size, line: dark.flat().join("") };
}

function Recovery({ codes }) {
  const text = codes.join("\n");
  return html`<p class="good">${t("me.totp.on")}</p><p>${t("me.recovery.why")}</p>
    <ul dir="ltr" class="codes">${codes.map((one) => html`<li key=${one}><code>${one}</code></li>`)}</ul>
    <${Copy} text=${text} />
    <button type="button" class="button" onClick=${() => save("twtc-recovery-codes.txt", text)}>
      ${t("download")}</button>`;
}

function Copy({ text }) {
  const copy = useAction(async () => {
    await navigator.clipboard.writeText(text);
    return true;
  });
  const [isCopied, setCopied] = useState(false);
  if (!navigator.clipboard) return null; // it can be marked
  const press = async () => setCopied((await copy.run()) === true);
  return html`<button type="button" class="button" onClick=${press}>
      ${t(isCopied ? "copied" : "copy")}</button>
    ${copy.error && html`<p class="problem" role="alert">${t("copy.not")}</p>`}`;
}
