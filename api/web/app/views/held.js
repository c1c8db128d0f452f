// What to do when the account has to do something first: verify, solve, sign in, or wait.

import { html, useState } from "../vendor/preact.js";
import { get, post, signOut } from "../api.js";
import { dateTime } from "../format.js";
import { Field, Form } from "../forms.js";
import { t } from "../texts.js";
import { Problem, useAction, useLoaded } from "../ui.js";
import { Verify } from "./sign-in.js";

const HELD = {
  VERIFICATION_REQUIRED: "verify",
  CAPTCHA_REQUIRED: "captcha",
  REAUTHENTICATION_REQUIRED: "reauth",
  COOLDOWN: "cooldown",
  SUSPENDED: "suspended",
  ACCOUNT_DISABLED: "disabled",
};

export const isHeld = (refusal) => Boolean(refusal && HELD[refusal.reason]);

export function Held({ refusal, refresh, reload }) {
  const kind = HELD[refusal.reason];
  const over = () => {
    refresh();
    reload?.();
  };
  if (kind === "verify") return html`<${Verify} done=${over} />`;
  if (kind === "captcha") return html`<${Captcha} done=${over} />`;
  const when = refusal.retry_at
    ? t("held.until", { time: dateTime(refusal.retry_at) }) : t("held.later");
  return html`<div class="card held" role="alert">
    <h2>${t("held.level")}</h2>
    <p>${t(`held.${kind}`, { when })}</p>
    ${kind === "reauth" && html`<button type="button" class="button primary" onClick=${signOut}>
      ${t("signin.button")}</button>`}
  </div>`;
}

const WIDGETS = {
  turnstile: ["https://challenges.cloudflare.com/turnstile/v0/api.js", "turnstile"],
  hcaptcha: ["https://js.hcaptcha.com/1/api.js", "hcaptcha"],
};

function Captcha({ done }) {
  const [challenge, error, again] = useLoaded(() => get("/v1/captcha"));
  const [answer, setAnswer] = useState("");
  const solve = useAction(async (token) => {
    try {
      await post("/v1/me/captcha", { token });
    } catch (refusal) {
      again();
      throw refusal;
    }
    done();
  });
  const isLocal = challenge && !(challenge.provider in WIDGETS);
  const draw = (box) => box && !box.firstChild && load(challenge, box, (token) => solve.run(token));
  return html`<div class="card held">
    <h2>${t("held.level")}</h2>
    <p>${t(error?.status === 404 ? "held.captcha.none" : "held.captcha")}</p>
    ${isLocal && html`<${Form} button=${t("held.captcha.button")}
        action=${{ ...solve, run: () => solve.run(`${challenge.site_key}.${answer}`) }}>
      <${Field} label=${challenge.question} name="answer" value=${answer} required
        inputmode="numeric" dir="ltr" onInput=${(e) => setAnswer(e.target.value)} /><//>`}
    ${challenge && !isLocal && html`<div ref=${draw}></div><${Problem} error=${solve.error} />`}
    <${Problem} error=${error?.status === 404 ? null : error} />
  </div>`;
}

async function load({ provider, site_key: key }, box, callback) {
  const [src, name] = WIDGETS[provider];
  if (!window[name]) {
    await new Promise((ready, failed) => {
      const script = document.createElement("script");
      script.src = `${src}?render=explicit`;
      script.onload = ready;
      script.onerror = failed;
      document.head.append(script);
    });
  }
  window[name].render(box, { sitekey: key, callback });
}
