// The shell: who is signed in, how things stand, and which view is shown.

import { html, render, useEffect, useState } from "./vendor/preact.js";
import { get, hear, isSignedIn, renew, resume } from "./api.js";
import { introduce } from "./device.js";
import { Icon } from "./icons.js";
import { listen, poll, stop } from "./live.js";
import { applyLanguage, language, setLanguage, t } from "./texts.js";
import { Loading, Problem } from "./ui.js";
import { Boosts } from "./views/boosts.js";
import { Inbox } from "./views/inbox.js";
import { Me } from "./views/me.js";
import { Mine } from "./views/mine.js";
import { SignIn } from "./views/sign-in.js";
import { Tasks } from "./views/tasks.js";
import { Wallet } from "./views/wallet.js";

const WAS_IN = "twtc.signed-in";
const VIEWS = { mine: Mine, boosts: Boosts, tasks: Tasks, wallet: Wallet, me: Me, inbox: Inbox };
const TABS = ["mine", "boosts", "tasks", "wallet", "me"];
const viewOf = () => (location.hash.slice(2) in VIEWS ? location.hash.slice(2) : "mine");

function App() {
  const [, redraw] = useState(0);
  const [who, setWho] = useState(localStorage.getItem(WAS_IN) ? "unknown" : "nobody");
  const [reached, setReached] = useState(navigator.onLine ? "online" : "offline");
  const [refused, setRefused] = useState(null);
  const [view, setView] = useState(viewOf());
  const [status, setStatus] = useState(null);
  const [unread, setUnread] = useState(0);
  const [profile, setProfile] = useState(null);

  const reload = () => get("/v1/me").then(setProfile, () => {});
  const refresh = () => poll(setStatus).catch(() => {});
  const goOn = () => resume().then(() => setRefused(null), setRefused).then(refresh);
  const enter = () => {
    localStorage.setItem(WAS_IN, "yes");
    setWho("member");
  };

  useEffect(() => {
    hear(() => {
      localStorage.removeItem(WAS_IN);
      stop();
      setStatus(null);
      setProfile(null);
      setRefused(null);
      setWho("nobody");
    }, setReached);
    const route = () => {
      setView(viewOf());
      setRefused(null);
      document.getElementById("content")?.focus();
    };
    const offline = () => setReached("offline");
    window.addEventListener("hashchange", route);
    window.addEventListener("offline", offline);
    return () => {
      window.removeEventListener("hashchange", route);
      window.removeEventListener("offline", offline);
    };
  }, []);

  useEffect(() => {
    if (who === "unknown") return comeBack(enter);
    if (who !== "member") return undefined;
    listen(setStatus, setUnread);
    reload();
    goOn();
    introduce();
    window.addEventListener("online", goOn);
    return () => {
      window.removeEventListener("online", goOn);
      stop();
    };
  }, [who]);

  const other = () => {
    setLanguage(language() === "en" ? "ar" : "en");
    redraw((n) => n + 1);
  };
  const View = VIEWS[view];
  return html`<a class="skip" href="#content">${t("skip")}</a>
    <header class="top"><a class="brand" href="#/mine"><img src="/app/icon.svg" alt="" width="28"
        height="28" /> ${t("app.name")}</a>
      ${who === "member"
        ? html`<a class="bell" href="#/inbox" aria-label=${`${t("nav.inbox")}, ${t("inbox.unread",
            { count: unread })}`}><${Icon} name="bell" />${unread > 0 && html`<b aria-hidden="true">${unread}</b>`}</a>`
        : html`<button type="button" class="button quiet" lang=${language() === "en" ? "ar" : "en"}
            onClick=${other}>${t("language.other")}</button>`}
    </header>
    ${reached !== "online" && html`<p class="banner" role="alert" id=${reached}>
      ${t(`banner.${reached}`)}</p>`}
    <main id="content" tabindex="-1">
      <${Problem} error=${refused} />
      ${who === "nobody" && html`<p class="tagline">${t("app.tagline")}</p>
        <${SignIn} enter=${enter} />`}
      ${(who === "unknown" || (who === "member" && !status)) && html`<${Loading} />`}
      ${who === "member" && status && html`<${View} status=${status} refresh=${refresh}
        profile=${profile} reload=${reload} setUnread=${setUnread}
        redraw=${() => redraw((n) => n + 1)} />`}
    </main>
    ${who === "member" && html`<nav aria-label=${t("nav.main")}>${TABS.map((name) => html`
      <a href=${`#/${name}`} key=${name} aria-current=${name === view ? "page" : null}>
        <${Icon} name=${name} />${t(`nav.${name}`)}</a>`)}</nav>`}`;
}

/** Signed in before: the cookie says whether still. Without a connection, keep trying. */
function comeBack(enter) {
  let isWanted = true;
  (async () => {
    while (isWanted) {
      await renew().catch(() => {});
      if (isSignedIn()) return enter();
      if (!localStorage.getItem(WAS_IN)) return undefined;
      await new Promise((done) => setTimeout(done, 3000));
    }
    return undefined;
  })();
  return () => { isWanted = false; };
}

applyLanguage();
render(html`<${App} />`, document.getElementById("app"));
if ("serviceWorker" in navigator) keepShell().catch(() => {});

// What was loaded before the worker was there is kept too: from now on the app opens offline.
async function keepShell() {
  const isFirst = !navigator.serviceWorker.controller;
  await navigator.serviceWorker.register("/sw.js");
  const { active } = await navigator.serviceWorker.ready;
  if (!isFirst) return;
  active.postMessage(performance.getEntriesByType("resource").map(({ name }) => name));
}
