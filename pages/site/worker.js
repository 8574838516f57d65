// Keeps the pages on the device, so that they open without a network. Made by pages/build.py for each version.
//
// What a version uses is fetched once, then taken from here. A page itself is asked of the server first, since
// it says which version is the newest. Answers of the services are never kept here.
const VERSION = "kepu-$version";
const FILES = [
$files
];
const PAGE_SECONDS_MAX = 4;

addEventListener("install", (event) => {
  event.waitUntil(caches.open(VERSION).then((cache) => cache.addAll(FILES)).then(() => skipWaiting()));
});

addEventListener("activate", (event) => {
  event.waitUntil(forgetOthers().then(() => clients.claim()));
});

addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin || url.pathname.startsWith("/api/")) return;
  if (url.pathname.startsWith("/assets/")) {
    event.respondWith(kept(event.request).then((found) => found ?? fetch(event.request)));
  } else if (event.request.mode === "navigate") {
    event.respondWith(page(event.request, url));
  }
});

async function kept(request) {
  return caches.match(request, { ignoreSearch: true });
}

async function page(request, url) {
  const cache = await caches.open("kepu-pages");
  const slow = new AbortController();
  setTimeout(() => slow.abort(), PAGE_SECONDS_MAX * 1000);
  try {
    const answer = await fetch(url.href, { signal: slow.signal, redirect: "manual", headers: request.headers });
    if (answer.ok) await cache.put(url.pathname, answer.clone());
    return answer;
  } catch {
    return (await cache.match(url.pathname)) ?? Response.error();
  }
}

// Two versions stay: an open page may still ask for modules of the one before.
async function forgetOthers() {
  const names = (await caches.keys()).filter((name) => name !== VERSION && name !== "kepu-pages");
  await Promise.all(names.slice(0, -1).map((name) => caches.delete(name)));
}
