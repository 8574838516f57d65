// Small charts. Each stands beside a table with the same numbers, so screen readers pass them by.
import { html } from "../lib/lit-html.js";

const HEIGHT = 20;

/** Bars for numbers in order, from the left; the highest is as high as the chart. */
export function bars(numbers) {
  const most = Math.max(1, ...numbers);
  const path = numbers.map((n, at) => (n ? `M${at} ${HEIGHT}V${top(n, most)}h.8V${HEIGHT}z` : "")).join("");
  return html`<svg class="chart" viewBox="0 0 ${numbers.length} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true" focusable="false">
    <path class="axis" d="M0 ${HEIGHT}H${numbers.length}"></path>
    <path d=${path}></path>
  </svg>`;
}

function top(n, most) {
  // One event among thousands is still seen.
  return (HEIGHT * (1 - Math.max(n / most, 0.05))).toFixed(2);
}
