// Keeps the app itself at hand, so that it opens without a connection. Never keeps answers of the API.

const SHELL = "twtc-shell-1";

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(SHELL).then((cache) => cache.add("/")).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    const names = await caches.keys();
    await Promise.all(names.filter((name) => name !== SHELL).map((name) => caches.delete(name)));
    await self.clients.claim();
  })());
});

const isShell = ({ origin, pathname }) => origin === location.origin
  && (pathname === "/" || pathname.startsWith("/app/") || pathname === "/manifest.webmanifest");

// What a page had loaded before there was a worker. What fails is kept when it is loaded next.
self.addEventListener("message", (event) => {
  const loaded = new Set(event.data.map((name) => new URL(name)).filter(isShell).map(String));
  event.waitUntil(caches.open(SHELL)
    .then((cache) => Promise.allSettled([...loaded].map((name) => cache.add(name)))));
});

// The network first: a new release shows at once. Without it, what was there last.
self.addEventListener("fetch", (event) => {
  if (event.request.method !== "GET" || !isShell(new URL(event.request.url))) return;
  event.respondWith((async () => {
    const cache = await caches.open(SHELL);
    const kept = () => cache.match(event.request, { ignoreSearch: true });
    try {
      const answer = await fetch(event.request);
      if (answer.ok) await cache.put(event.request, answer.clone());
      return (answer.status >= 500 && await kept()) || answer;
    } catch (error) {
      const last = await kept();
      if (last) return last;
      throw error;
    }
  })());
});
