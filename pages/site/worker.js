// Keeps the pages on the device, so that they open without a network. Made by pages/build.py for each version.
//
// What a version uses is fetched once, then taken from here. A page itself is asked of the server first, since
// it says which version is the newest. Answers of the services are never kept here.
const VERSION = "kepu-$version";
const FILES = [
$files
];
const PAGES = [
$pages
];
// Pages that a device keeps only once they were opened on it, such as those of doors, and what they alone use.
const OPENED_PAGES = [
$opened_pages
];
const OPENED_FILES = [
$opened_files
];
// With a page at hand nobody waits longer for a newer one.
const PAGE_SECONDS_MAX = 4;

addEventListener("install", (event) => {
  event.waitUntil(install().then(() => skipWaiting()));
});

// What a page says that is kept once it was opened.
addEventListener("message", (event) => {
  if (event.data === "keep") event.waitUntil(keepOpened());
});

addEventListener("activate", (event) => {
  event.waitUntil(forgetOthers().then(() => clients.claim()));
});

addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin || url.pathname.startsWith("/api/")) return;
  if (url.pathname.startsWith("/assets/")) {
    event.respondWith(caches.match(url.pathname).then((found) => found ?? fetch(event.request)));
  } else if (event.request.mode === "navigate") {
    event.respondWith(page(url));
  }
});

async function install() {
  await (await caches.open(VERSION)).addAll([...FILES, ...PAGES]);
  // With the version before they were kept.
  if (OPENED_PAGES.length && (await caches.match(OPENED_PAGES[0]))) await keepOpened();
}

async function keepOpened() {
  await (await caches.open(VERSION)).addAll([...OPENED_FILES, ...OPENED_PAGES]);
}

async function page(url) {
  const kept = await caches.match(url.pathname).catch(() => undefined);
  const ending = new AbortController();
  const timer = kept && setTimeout(() => ending.abort(), PAGE_SECONDS_MAX * 1000);
  try {
    return await fetch(url.href, { signal: ending.signal, redirect: "manual" });
  } catch {
    return kept ?? Response.error();
  } finally {
    clearTimeout(timer);
  }
}

// Two versions stay: an open page may still ask for modules of the one before.
async function forgetOthers() {
  const others = (await caches.keys()).filter((name) => name !== VERSION);
  await Promise.all(others.slice(0, -1).map((name) => caches.delete(name)));
}
