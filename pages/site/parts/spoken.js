// Texts that organisers wrote are in their language. On a page in another one, screen readers are told which it is.
import { html, nothing } from "../lib/lit-html.js";
import { language } from "./language.js";

// Chinese, with the numbers in it: an English message may hold a Chinese title.
const CHINESE = /(\d*[\u3000-\u303f\u3400-\u9fff\uff00-\uffef][\d\u3000-\u303f\u3400-\u9fff\uff00-\uffef]*)/;

/** The `lang` of a text, if it is another than that of the page. */
export function langOf(text) {
  return language !== "zh-CN" && CHINESE.test(text ?? "") ? "zh-CN" : nothing;
}

/** A text that comes from a service. */
export function spoken(text) {
  if (langOf(text) === nothing) return text ?? "";
  // Splitting by a group gives what is between and what was found by turns.
  return text.split(CHINESE).map((part, at) => (at % 2 ? html`<span lang="zh-CN">${part}</span>` : part));
}
