// Texts that organisers wrote are in their language. On a page in another one, screen readers are told which it is.
import { html, nothing } from "../lib/lit-html.js";
import { language } from "./language.js";

const CHINESE = /[\u3400-\u9fff]/;

/** The `lang` of a text, if it is another than that of the page. */
export function langOf(text) {
  return language !== "zh-CN" && CHINESE.test(text ?? "") ? "zh-CN" : nothing;
}

/** A text that comes from a service. */
export function spoken(text) {
  return langOf(text) === nothing ? (text ?? "") : html`<span lang="zh-CN">${text}</span>`;
}
