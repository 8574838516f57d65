// The language of the reader and its words: t of a key, and of a key with values.
import { stored, store } from "./kept.js";

export const LANGUAGES = ["zh-CN", "en"];
export const language = chosen();

const words = { ...(await import(`../words/${language}.js`)).WORDS };
document.documentElement.lang = language;

/** Take in the words of a part of the pages that most readers never open, such as that of organisers. */
export async function alsoWords(part) {
  const more = await import(`../words/${part}.${language}.js`);
  Object.assign(words, more.WORDS);
}

/** The words of a key. `{name}` in them is replaced by a value. A key without words is a mistake of ours. */
export function t(key, values = {}) {
  const found = words[key];
  if (found === undefined) throw new Error(`no words for ${key}`);
  return found.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** The words of a key that a service chose, such as a status; its own name where there are none. */
export function named(prefix, value) {
  return words[`${prefix}.${value}`] ?? value;
}

export function choose(other) {
  store("language", other);
  const url = new URL(location);
  url.searchParams.delete("language");
  history.replaceState(null, "", url);
  location.reload();
}

function chosen() {
  const asked = new URLSearchParams(location.search).get("language") ?? stored("language");
  if (LANGUAGES.includes(asked)) return asked;
  return navigator.languages.some((one) => one.toLowerCase().startsWith("zh")) || !navigator.languages.length
    ? "zh-CN"
    : "en";
}
