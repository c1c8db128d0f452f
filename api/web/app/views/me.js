// Who one is, how one signs in, and what is kept.

import { html, useState } from "../vendor/preact.js";
import { get, post, request, signOut } from "../api.js";
import { dateTime, upcoming } from "../format.js";
import { Offline } from "../network.js";
import { language, setLanguage, t } from "../texts.js";
import { Button, Field, Missing, Problem, Sheet, useAction, useLoaded } from "../ui.js";

export function Me({ profile, missing, asOf, reload, redraw }) {
  if (!profile) return html`<${Missing} error=${missing ?? (asOf && new Offline())} again=${reload} />`;
  return html`<section>
    <h1>${t("me.title")}</h1>
    <p class="quiet">${t("me.address")} <strong dir="ltr">${profile.email ?? profile.phone}</strong></p>
    <${Profile} profile=${profile} reload=${reload} redraw=${redraw} />
    <dl class="card facts">
      <div><dt>${t("me.referral")}</dt><dd dir="ltr">${profile.referral_code}</dd></div>
      <div><dt>${t("me.hours")}</dt><dd>${upcoming(profile.mining_schedule, 6).join(" · ")}</dd></div>
    </dl>
    <${Security} />
    <${SignIns} />
    <${Privacy} />
    <button type="button" class="button" onClick=${signOut}>${t("me.signout")}</button>
  </section>`;
}

function Profile({ profile, reload, redraw }) {
  const [name, setName] = useState(profile.display_name ?? "");
  const [place, setPlace] = useState(profile.country ?? "");
  const [isSaved, setSaved] = useState(false);
  const save = useAction(async (chosen = language()) => {
    await request("PATCH", "/v1/me", { body: { display_name: name.trim() || null,
      country: place.trim().toUpperCase() || null, language: chosen } });
    setSaved(true);
    reload();
  });
  const choose = async ({ target }) => {
    await setLanguage(target.value);
    redraw();
    save.run(target.value);
  };
  return html`<div class="card">
    <${Field} label=${t("me.name")} value=${name} maxlength="60" autocomplete="name"
      onInput=${(e) => setName(e.target.value)} />
    <${Field} label=${t("me.country")} value=${place} maxlength="2" autocomplete="country"
      dir="ltr" onInput=${(e) => setPlace(e.target.value)} />
    <label class="field"><span>${t("me.language")}</span>
      <select value=${language()} onChange=${choose} id="language">
        <option value="en" lang="en">English</option><option value="ar" lang="ar">العربية</option>
      </select></label>
    <${Problem} error=${save.error} />
    ${isSaved && !save.isBusy && html`<p role="status" class="good">${t("saved")}</p>`}
    <button type="button" class="button primary" disabled=${save.isBusy}
      onClick=${() => save.run()}>${t("save")}</button>
  </div>`;
}

function Security() {
  const [open, setOpen] = useState(null);
  const close = () => setOpen(null);
  return html`<div class="card"><h2>${t("me.security")}</h2>
    <button type="button" class="button quiet" onClick=${() => setOpen("password")}>
      ${t("me.password")}</button>
    <button type="button" class="button quiet" onClick=${() => setOpen("totp")}>
      ${t("me.totp")}</button>
    ${open === "password" && html`<${Sheet} title=${t("me.password")} close=${close}>
      <${NewPassword} close=${close} /><//>`}
    ${open === "totp" && html`<${Sheet} title=${t("me.totp")} close=${close}><${Totp} /><//>`}
  </div>`;
}

function NewPassword({ close }) {
  const [before, setBefore] = useState("");
  const [after, setAfter] = useState("");
  const change = useAction(async () => {
    await post("/v1/auth/password", { password: before, new_password: after });
    close();
  });
  return html`<${Field} label=${t("field.password")} type="password" value=${before} dir="ltr"
      autocomplete="current-password" onInput=${(e) => setBefore(e.target.value)} />
    <${Field} label=${t("field.newpassword")} type="password" value=${after} dir="ltr"
      autocomplete="new-password" hint=${t("field.password.hint")}
      onInput=${(e) => setAfter(e.target.value)} />
    <${Problem} error=${change.error} /><${Button} action=${change}>${t("save")}<//>`;
}

function Totp() {
  const [factors, , reload] = useLoaded(() => get("/v1/auth/mfa"));
  const [password, setPassword] = useState("");
  const [secret, setSecret] = useState(null);
  const [code, setCode] = useState("");
  const [kept, setKept] = useState(null);
  const begin = useAction(async () => setSecret(await post("/v1/auth/mfa/totp", { password })));
  const confirm = useAction(async () => {
    setKept((await post("/v1/auth/mfa/totp/confirm", { code: code.trim() })).recovery_codes);
  });
  const remove = useAction(async () => {
    await request("DELETE", "/v1/auth/mfa", { body: { password } });
    reload();
  });
  if (kept) {
    return html`<p>${t("me.totp.on")}</p><ul dir="ltr" class="codes">${kept.map((one) => html`
      <li><code>${one}</code></li>`)}</ul>`;
  }
  if (secret) {
    return html`<p>${t("me.totp.text")}</p><p dir="ltr"><code>${secret.secret}</code></p>
      <p><a href=${secret.uri}>${t("me.totp")}</a></p>
      <${Field} label=${t("field.code")} value=${code} inputmode="numeric" dir="ltr"
        onInput=${(e) => setCode(e.target.value)} />
      <${Problem} error=${confirm.error} /><${Button} action=${confirm}>${t("save")}<//>`;
  }
  const isOn = factors?.methods.length > 0;
  return html`<${Field} label=${t("field.password")} type="password" value=${password} dir="ltr"
      autocomplete="current-password" onInput=${(e) => setPassword(e.target.value)} />
    <${Problem} error=${begin.error ?? remove.error} />
    ${isOn ? html`<${Button} action=${remove}>${t("me.mfa.off")}<//>`
      : html`<${Button} action=${begin}>${t("me.totp")}<//>`}`;
}

function SignIns() {
  const [found, error, reload] = useLoaded(() => get("/v1/me/sign-ins"));
  const end = useAction(async (id) => {
    await request("DELETE", `/v1/me/sign-ins/${id}`);
    reload();
  });
  const everywhere = useAction(async () => {
    await post("/v1/auth/logout-everywhere");
    await signOut();
  });
  return html`<div class="card"><h2>${t("me.signins")}</h2>
    <ul class="rows">${found?.map((one) => html`<li key=${one.id}>
      <span><strong dir="ltr">${one.user_agent?.slice(0, 60) || "?"}</strong>
        <small>${dateTime(one.seen_at)}${one.is_this && ` · ${t("me.this")}`}
        </small></span>
      ${!one.is_this && html`<button type="button" class="button quiet"
        onClick=${() => end.run(one.id)}>${t("me.signin.end")}</button>`}</li>`)}</ul>
    <${Problem} error=${error ?? end.error ?? everywhere.error} />
    <${Button} action=${everywhere} kind="quiet">${t("me.everywhere")}<//></div>`;
}

function Privacy() {
  const [consents, error, reload] = useLoaded(() => get("/v1/me/consents"));
  const [isClosing, setClosing] = useState(false);
  const change = useAction(async (name, value) => {
    const { tracking, marketing } = { ...consents, [name]: value };
    await request("PUT", "/v1/me/consents", { body: { tracking, marketing } });
    reload();
  });
  const download = useAction(async () => {
    const data = await get("/v1/me/export");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(data, null, 1)]));
    link.download = "twtc.json";
    link.click();
    URL.revokeObjectURL(link.href);
  });
  return html`<div class="card"><h2>${t("me.privacy")}</h2>
    ${consents && ["tracking", "marketing"].map((name) => html`<label class="check" key=${name}>
      <input type="checkbox" checked=${consents[name]} disabled=${change.isBusy}
        onChange=${(event) => change.run(name, event.target.checked)} />
      <span>${t(`me.${name}`)}</span></label>`)}
    <${Problem} error=${error ?? change.error ?? download.error} />
    <${Button} action=${download} kind="quiet">${t("me.export")}<//>
    <button type="button" class="button quiet danger" onClick=${() => setClosing(true)}>
      ${t("me.close")}</button>
    ${isClosing && html`<${Closing} close=${() => setClosing(false)} />`}
  </div>`;
}

function Closing({ close }) {
  const [password, setPassword] = useState("");
  const end = useAction(async () => {
    await request("DELETE", "/v1/me", { body: { password } });
    await signOut();
  });
  return html`<${Sheet} title=${t("me.close")} close=${close}><p>${t("me.close.text")}</p>
    <${Field} label=${t("field.password")} type="password" value=${password} dir="ltr"
      autocomplete="current-password" onInput=${(e) => setPassword(e.target.value)} />
    <${Problem} error=${end.error} />
    <${Button} action=${end} kind="danger">${t("me.close")}<//><//>`;
}
