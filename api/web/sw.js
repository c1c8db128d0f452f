// Keeps the app itself at hand, so that it opens without a connection. Never keeps answers of the API.
//
// Storage may be full or forbidden, and a network may say nothing: an answer is given first and kept
// afterwards, and what was kept is taken when nobody has answered in time.

const SHELL = "twtc-shell-1";
const SILENCE_MS = 3000;
const silent = new Set(); // the pages for which nobody answered in time

self.addEventListener("install", () => self.skipWaiting());

self.addEventListener("activate", (event) => {
  event.waitUntil(Promise.all([self.clients.claim(), forgetOthers().catch(() => {})]));
});

async function forgetOthers() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== SHELL).map((name) => caches.delete(name)));
}

const isShell = ({ origin, pathname }) => origin === location.origin
  && (pathname === "/" || pathname.startsWith("/app/") || pathname === "/manifest.webmanifest");

// What a page had loaded before there was a worker. What fails is kept when it is loaded next.
self.addEventListener("message", (event) => {
  const loaded = new Set(event.data.map((name) => new URL(name)).filter(isShell).map(String));
  event.waitUntil(Promise.all([...loaded].map(async (name) => {
    const answer = await fetch(name);
    if (answer.ok) await keep(name, answer);
  })).catch(() => {}));
});

// The network first: a new release shows at once. Without it, or while it is silent, what was there
// last; what the network says later is kept for the next time.
self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !isShell(new URL(request.url))) return;
  const page = event.resultingClientId || event.clientId;
  const asked = fetch(request);
  event.waitUntil(asked.then((answer) => answer.ok && keep(request, answer.clone())).catch(() => {}));
  event.respondWith(first(asked, request, page));
});

async function first(asked, request, page) {
  const answer = await Promise.race([asked, silence(page)]).catch(() => null);
  if (answer && answer.status < 500) return answer;
  const last = await kept(request).catch(() => null);
  if (last && !answer && page) silent.add(page); // a page is of one release
  return last || answer || asked;
}

const silence = (page) => new Promise((over) => {
  setTimeout(over, silent.has(page) ? 0 : SILENCE_MS, null);
});

async function kept(request) {
  const cache = await caches.open(SHELL);
  return cache.match(request, { ignoreSearch: true });
}

async function keep(request, answer) {
  const cache = await caches.open(SHELL);
  await cache.put(request, answer);
}
