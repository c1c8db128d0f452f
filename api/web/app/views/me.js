// Who one is, how one signs in, and what is kept.

import { html, useState } from "../vendor/preact.js";
import { get, post, request, signOut } from "../api.js";
import { COUNTRIES } from "../countries.js";
import { useFactor } from "../factor.js";
import { save as saveFile } from "../files.js";
import { country, dateTime, deviceOf } from "../format.js";
import { Field, Form } from "../forms.js";
import { Offline } from "../network.js";
import { language, setLanguage, t } from "../texts.js";
import { Button, Hours, Later, Missing, Problem, Sheet, useAction, useLoaded } from "../ui.js";

export function Me({ profile, missing, asOf, reload, redraw }) {
  if (!profile) return html`<${Missing} error=${missing ?? (asOf && new Offline())} again=${reload} />`;
  return html`<section>
    <h1>${t("me.title")}</h1>
    <${Profile} profile=${profile} reload=${reload} redraw=${redraw} />
    <dl class="card facts">
      <div><dt>${t("me.referral")}</dt><dd dir="ltr">${profile.referral_code}</dd></div>
      <div><dt>${t("me.hours")}</dt><dd><${Hours} schedule=${profile.mining_schedule} /></dd></div>
    </dl>
    <${Later} load=${(anew) => import("./contact.js" + anew)} name="Contact" profile=${profile} reload=${reload} />
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
    setSaved(false);
    await request("PATCH", "/v1/me", { body: { display_name: name.trim() || null,
      country: place || null, language: chosen } });
    setSaved(true);
    reload();
  });
  const choose = async ({ target }) => {
    await setLanguage(target.value);
    redraw();
    save.run(target.value);
  };
  const edit = (set) => ({ target }) => {
    setSaved(false);
    set(target.value);
  };
  const places = COUNTRIES.map((code) => [country(code), code])
    .sort(([a], [b]) => a.localeCompare(b, language()));
  return html`<${Form} class="card" action=${{ ...save, run: () => save.run() }} button=${t("save")}>
    <${Field} label=${t("me.name")} name="display_name" value=${name} maxlength="60"
      autocomplete="name" onInput=${edit(setName)} />
    <${Field} as="select" label=${t("me.country")} name="country" value=${place}
      autocomplete="country" onChange=${edit(setPlace)}>
      <option value="">${t("me.country.none")}</option>
      ${places.map(([text, code]) => html`<option value=${code} key=${code}>${text}</option>`)}<//>
    <${Field} as="select" label=${t("me.language")} name="language" value=${language()}
      onChange=${choose}>
      <option value="en" lang="en">English</option><option value="ar" lang="ar">العربية</option><//>
    ${isSaved && !save.isBusy && html`<p role="status" class="good">${t("saved")}</p>`}<//>`;
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
    ${open === "totp" && html`<${Sheet} title=${t("me.totp")} close=${close}>
      <${Later} load=${(anew) => import("./second-factor.js" + anew)} name="SecondFactor" /><//>`}
  </div>`;
}

function NewPassword({ close }) {
  const [before, setBefore] = useState("");
  const [after, setAfter] = useState("");
  const [withFactor, factor] = useFactor();
  const change = useAction(() => withFactor(async (second) => {
    await post("/v1/auth/password", { password: before, new_password: after, ...second });
    close();
  }));
  return html`<${Form} action=${change} button=${t("save")}>
    <${Field} label=${t("field.password")} type="password" name="password" value=${before} dir="ltr"
      required autocomplete="current-password" onInput=${(e) => setBefore(e.target.value)} />
    <${Field} label=${t("field.newpassword")} type="password" name="new_password" value=${after}
      dir="ltr" required autocomplete="new-password" hint=${t("field.password.hint")}
      onInput=${(e) => setAfter(e.target.value)} />
    ${factor}<//>`;
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
      <span><strong>${deviceOf(one.user_agent)}</strong>
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
    saveFile("twtc.json", JSON.stringify(await get("/v1/me/export"), null, 1));
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
  const [withFactor, factor] = useFactor();
  const end = useAction(() => withFactor(async (second) => {
    await request("DELETE", "/v1/me", { body: { password, ...second } });
    await signOut();
  }));
  return html`<${Sheet} title=${t("me.close")} close=${close}><p>${t("me.close.text")}</p>
    <${Form} action=${end} kind="danger" button=${t("me.close")}>
      <${Field} label=${t("field.password")} type="password" name="password" value=${password}
        dir="ltr" required autocomplete="current-password"
        onInput=${(e) => setPassword(e.target.value)} />
      ${factor}<//><//>`;
}
