// The language of the reader and its words: t of a key, and of a key with values.
import { stored, store } from "./kept.js";

export const LANGUAGES = ["zh-CN", "en"];
export const language = chosen();

const { WORDS } = await import(`../words/${language}.js`);
document.documentElement.lang = language;

/** The words of a key. `{name}` in them is replaced by a value. A key without words is a mistake of ours. */
export function t(key, values = {}) {
  const words = WORDS[key];
  if (words === undefined) throw new Error(`no words for ${key}`);
  return words.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** The words of a key that a service chose, such as a status; its own name where there are none. */
export function named(prefix, value) {
  return WORDS[`${prefix}.${value}`] ?? value;
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
