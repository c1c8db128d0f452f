// The console: who may see what, and the page that is shown.

import { html, render, useEffect, useRef, useState } from "./html.js";
import { get, hear, isSignedIn, renew, signOut } from "../app/api.js";
import { language, speak } from "../app/texts.js";
import { SignIn } from "../app/views/sign-in.js";
import { Problem, Toast, may } from "./parts.js";
import { Ads } from "./views/ads.js";
import { Adjustments } from "./views/adjustments.js";
import { Configuration } from "./views/configuration.js";
import { Contacts } from "./views/contacts.js";
import { Content } from "./views/content.js";
import { Facts } from "./views/facts.js";
import { Fraud } from "./views/fraud.js";
import { Load } from "./views/load.js";
import { Log } from "./views/log.js";
import { Operations } from "./views/operations.js";
import { Reviews } from "./views/reviews.js";
import { Users } from "./views/users.js";

// By section: the page's address, title, lowest role, and view.
const SECTIONS = {
  Engine: [
    ["operations", "Operations", "admin", Operations],
    ["load", "Ad load", "admin", Load],
    ["facts", "Figures", "admin", Facts],
  ],
  People: [
    ["users", "Users", "moderator", Users],
    ["fraud", "Suspicious activity", "moderator", Fraud],
    ["reviews", "Task reviews", "moderator", Reviews],
    ["adjustments", "Adjustments", "admin", Adjustments],
    ["contacts", "Changes of address", "admin", Contacts],
  ],
  Product: [
    ["content", "Content", "admin", Content],
    ["ads", "Ads and networks", "admin", Ads],
    ["configuration", "Configuration", "admin", Configuration],
    ["log", "Trail", "superadmin", Log],
  ],
};

/** "#/users/42" is ["users", "42"]. */
const routeOf = () => location.hash.slice(2).split("/").map(decodeURIComponent);

function App() {
  const [me, setMe] = useState(null);
  const [state, setState] = useState("loading");
  const [error, setError] = useState(null);
  const enter = async () => {
    try {
      setMe(await get("/v1/me"));
      setError(null);
      setState("in");
    } catch (failure) {
      setError(failure);
      setState("out");
    }
  };
  useEffect(() => {
    hear(() => setState("out"), () => {});
    renew().catch(() => {}).then(() => (isSignedIn() ? enter() : setState("out")));
  }, []);
  if (state === "loading") return html`<main class="enter"><p class="quiet">Loading…</p></main>`;
  if (state === "out") {
    return html`<main class="enter"><${Brand} /><${Problem} error=${error} />
      <div lang=${language()} dir=${language() === "ar" ? "rtl" : "ltr"}>
        <${SignIn} enter=${enter} initial="in" isOpen=${false} /></div></main>`;
  }
  if (!may(me.role, "moderator")) {
    return html`<main class="enter"><${Brand} />
      <h1>For operators only</h1><p class="problem" role="alert">Your role, ${me.role}, has nothing to do here.</p>
      <p><a href="/">To the app</a></p>
      <button type="button" class="button" onClick=${signOut}>Sign out</button></main>`;
  }
  return html`<${Desk} me=${me} />`;
}

function Desk({ me }) {
  const [route, setRoute] = useState(routeOf());
  const [isOpen, setOpen] = useState(false);
  const main = useRef();
  const allowed = Object.entries(SECTIONS)
    .map(([section, pages]) => [section, pages.filter((page) => may(me.role, page[2]))])
    .filter(([, pages]) => pages.length);
  const pages = allowed.flatMap(([, some]) => some);
  const [name, title, , Page] = pages.find(([known]) => known === (route[0] || pages[0][0]))
    ?? ["", "No such page", "", Unknown];
  useEffect(() => {
    const change = () => {
      setRoute(routeOf());
      setOpen(false);
      window.scrollTo(0, 0);
      main.current.focus();
    };
    window.addEventListener("hashchange", change);
    return () => window.removeEventListener("hashchange", change);
  }, []);
  useEffect(() => { document.title = `${title} · TWTC console`; }, [title]);
  const link = ([key, label]) => html`<a href=${`#/${key}`} key=${key}
    aria-current=${key === name ? "page" : null}>${label}</a>`;
  return html`<a class="skip" href="#content" onClick=${(event) => {
    event.preventDefault();
    main.current.focus();
  }}>To the content</a>
    <header class="side"><${Brand} />
      <button type="button" class="button menu" aria-expanded=${isOpen ? "true" : "false"}
        aria-controls="pages" onClick=${() => setOpen(!isOpen)}>${isOpen ? "Close" : "Menu"}</button>
      <div id="pages" class=${isOpen ? "pages open" : "pages"}>
        <nav aria-label="Pages">${allowed.map(([section, some]) => html`
          <p id=${section}>${section}</p><div role="group" aria-labelledby=${section}>
          ${some.map(link)}</div>`)}</nav>
        <div class="who"><p><b>${me.email ?? me.phone}</b><br />${me.role} · user ${me.id}</p>
          <p>All times are UTC.</p>
          <button type="button" class="button" onClick=${signOut}>Sign out</button></div></div>
    </header>
    <main id="content" tabindex="-1" ref=${main}>
      <${Page} key=${name} rest=${route.slice(1)} role=${me.role} me=${me} /></main>
    <${Toast} />`;
}

const Unknown = () => html`<h1>No such page</h1>
  <p class="lead">There is nothing at ${location.hash}, or not for your role. The menu has what there is.</p>`;

const Brand = () => html`<p class="brand"><img src="/app/icon.svg" width="28" height="28" alt="" />
  TWTC console</p>`;

// Only the sign-in is the app's, in the language of the device.
speak().then(() => render(html`<${App} />`, document.getElementById("app")));
