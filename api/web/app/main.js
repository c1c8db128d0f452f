// The shell: who is signed in, how things stand, and which view is shown.

import { html, render, useEffect, useState } from "./vendor/preact.js";
import { get, hear, isPassing, now, recall, remember, renew, resume } from "./api.js";
import { introduce } from "./device.js";
import { Icon } from "./icons.js";
import { listen, poll, stop } from "./live.js";
import { Offline } from "./network.js";
import { erase, read, write } from "./store.js";
import { applyLanguage, language, setLanguage, speak, t } from "./texts.js";
import { AsOf, BACK, Later, Loading, Problem, useLoaded } from "./ui.js";
import { Boosts } from "./views/boosts.js";
import { Inbox } from "./views/inbox.js";
import { Mine } from "./views/mine.js";
import { SignIn } from "./views/sign-in.js";
import { Tasks } from "./views/tasks.js";
import { Wallet } from "./views/wallet.js";

const WAS_IN = "twtc.signed-in";
const KNOWN = "twtc.known"; // somebody has an account here
const Me = (all) => html`<${Later} load=${(anew) => import("./views/me.js" + anew)} name="Me" ...${all} />`;
const VIEWS = { mine: Mine, boosts: Boosts, tasks: Tasks, wallet: Wallet, me: Me, inbox: Inbox };
const TABS = ["mine", "boosts", "tasks", "wallet", "me"];
const viewOf = () => (location.hash.slice(2) in VIEWS ? location.hash.slice(2) : "mine");

function App() {
  const [, redraw] = useState(0);
  const [who, setWho] = useState(read(WAS_IN) ? "unknown" : "nobody");
  const [reached, setReached] = useState(navigator.onLine ? "online" : "offline");
  const [refused, setRefused] = useState(null);
  const [view, setView] = useState(viewOf());
  const [told, setTold] = useState(read(WAS_IN) ? recall("status") : null);
  const [isTold, setIsTold] = useState(false);
  const [unread, setUnread] = useState(0);
  const [turn, setTurn] = useState(0);

  const hearStatus = (value) => {
    remember("status", value);
    setTold({ value, at: now() });
    setIsTold(true);
  };
  const [profile, missing, reload] = useLoaded(
    () => (who === "member" ? get("/v1/me") : Promise.resolve(null)), [who]);
  const refresh = () => poll(hearStatus).catch(ignorePassing);
  const goOn = () => resume().then(() => setRefused(null), setRefused).then(refresh);
  const tryAgain = () => {
    window.dispatchEvent(new Event(BACK));
    setTurn((n) => n + 1);
  };
  const enter = () => {
    write(WAS_IN, read(WAS_IN) ?? String(Math.random()));
    write(KNOWN, "yes");
    setWho("member");
  };

  useEffect(() => {
    hear(() => {
      erase(WAS_IN);
      stop();
      setTold(null);
      setRefused(null);
      setWho("nobody");
    }, (state) => {
      setReached(state);
      // At each answer: of two requests at once the one that fails may be told of last.
      if (state === "online") window.dispatchEvent(new Event(BACK));
    });
    const route = () => {
      setView(viewOf());
      setRefused(null);
      const content = document.getElementById("content");
      if (content) content.focus();
    };
    return heard({
      hashchange: route,
      offline: () => setReached("offline"),
      online: tryAgain,
      // Somebody signed in or out beside this page: it is not theirs any more.
      storage: ({ key }) => { if (key === WAS_IN) location.reload(); },
      error: ({ error }) => { if (error) setRefused(error); },
      unhandledrejection: ({ reason }) => {
        if (!(reason instanceof Offline || reason.status === 401)) setRefused(reason);
      },
    });
  }, []);

  useEffect(() => {
    if (who === "unknown") return comeBack(enter, setRefused);
    if (who !== "member") return undefined;
    goOn();
    return undefined;
  }, [who, turn]);

  useEffect(() => {
    if (who !== "member") return undefined;
    listen(hearStatus, setUnread, setRefused);
    introduce();
    return stop;
  }, [who]);

  const other = async () => {
    await setLanguage(language() === "en" ? "ar" : "en");
    redraw((n) => n + 1);
  };
  // What was heard last, while nobody answers: it may be looked at.
  const asOf = told && !(isTold && who === "member" && reached !== "offline") ? told.at : null;
  const View = VIEWS[view];
  return html`<a class="skip" href="#content">${t("skip")}</a>
    <header class="top"><a class="brand" href="#/mine"><img src="/app/icon.svg" alt="" width="28"
        height="28" /> ${t("app.name")}</a>
      ${who !== "nobody"
        ? html`<a class="bell" href="#/inbox" aria-label=${`${t("nav.inbox")}, ${t("inbox.unread",
            { count: unread })}`}><${Icon} name="bell" />${unread > 0 && html`<b aria-hidden="true">${unread}</b>`}</a>`
        : html`<button type="button" class="button quiet" lang=${language() === "en" ? "ar" : "en"}
            onClick=${other}>${t("language.other")}</button>`}
    </header>
    ${reached !== "online" && html`<div class="banner" role="alert" id=${reached}>
      ${t(`banner.${reached}`)}
      ${reached === "offline" && html`<button type="button" class="button" id="again"
        onClick=${tryAgain}>${t("retry")}</button>`}</div>`}
    <main id="content" tabindex="-1">
      <${Problem} error=${refused} />
      ${who === "nobody" && html`<p class="tagline">${t("app.tagline")}</p>
        <${SignIn} enter=${enter} initial=${read(KNOWN) ? "in" : "up"} />`}
      ${who !== "nobody" && !told && (reached === "online" ? html`<${Loading} />`
        : html`<p class="card">${t("nothing.kept")}</p>`)}
      ${who !== "nobody" && told && html`<${AsOf} at=${asOf} />
        <${View} status=${told.value} asOf=${asOf} isIn=${who === "member"} refresh=${refresh}
          profile=${profile} missing=${missing} reload=${reload} setUnread=${setUnread}
          redraw=${() => redraw((n) => n + 1)} />`}
    </main>
    ${who !== "nobody" && html`<nav aria-label=${t("nav.main")}>${TABS.map((name) => html`
      <a href=${`#/${name}`} key=${name} aria-current=${name === view ? "page" : null}>
        <${Icon} name=${name} />${t(`nav.${name}`)}</a>`)}</nav>`}`;
}

const ignorePassing = (error) => { if (!isPassing(error)) throw error; };

/** Hear what happens to the page, until the answer is called. */
function heard(handlers) {
  const all = Object.entries(handlers);
  all.forEach(([name, handler]) => window.addEventListener(name, handler));
  return () => all.forEach(([name, handler]) => window.removeEventListener(name, handler));
}

/** Signed in before: the cookie says whether still. While nobody answers, keep trying. */
function comeBack(enter, setFault) {
  let isWanted = true;
  (async () => {
    while (isWanted) {
      try {
        await renew();
        if (isWanted) enter();
        return;
      } catch (error) {
        if (!read(WAS_IN)) return; // the cookie is no longer good
        if (!isPassing(error)) return setFault(error);
      }
      await new Promise((done) => setTimeout(done, 3000));
    }
  })();
  return () => { isWanted = false; };
}

speak().then(() => {
  applyLanguage();
  render(html`<${App} />`, document.getElementById("app"));
  if ("serviceWorker" in navigator) keepShell().catch(() => {});
});

// What was loaded before the worker was there, all that opening takes, is kept too.
async function keepShell() {
  const isFirst = !navigator.serviceWorker.controller;
  await navigator.serviceWorker.register("/sw.js");
  const { active } = await navigator.serviceWorker.ready;
  if (!isFirst) return;
  const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
  active.postMessage([new URL("/", location.href).href, ...loaded]);
}
