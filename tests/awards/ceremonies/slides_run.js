// The slides' script in a document made of a few objects: each line of the input is a key, or "wait SECONDS".
"use strict";
const fs = require("fs");
const [script, count] = process.argv.slice(2);
const handlers = {};
const timers = [];
let clock = 0;
const element = () => {
  const classes = new Set();
  return {
    hidden: false,
    textContent: "",
    attributes: {"data-seconds": "8"},
    getAttribute(name) { return this.attributes[name]; },
    setAttribute(name, value) { this.attributes[name] = value; },
    classList: {
      add: (one) => classes.add(one),
      contains: (one) => classes.has(one),
      toggle: (one, on = !classes.has(one)) => (on ? classes.add(one) : classes.delete(one)),
    },
  };
};
const slides = Array.from({length: Number(count)}, element);
const root = element();
const parts = {paused: element(), place: element()};
root.requestFullscreen = () => { document.fullscreenElement = root; };
const document = {
  documentElement: root,
  fullscreenElement: null,
  querySelectorAll: () => slides,
  getElementById: (id) => parts[id],
  addEventListener: (name, handler) => { handlers[name] = handler; },
  exitFullscreen: () => { document.fullscreenElement = null; },
};
const setTimeout = (run, ms) => timers.push({run, at: clock + ms});
const clearTimeout = (id) => { if (timers[id - 1]) { timers[id - 1].run = null; } };
const location = {hash: ""};
const history = {replaceState: (state, title, url) => { location.hash = url; }};
new Function("document", "setTimeout", "clearTimeout", "location", "history", fs.readFileSync(script, "utf8"))(
  document, setTimeout, clearTimeout, location, history);
const state = () => [
  slides.findIndex((one) => one.classList.contains("now")),
  parts.paused.hidden ? "running" : "paused",
  root.classList.contains("black") ? "black" : "",
  document.fullscreenElement ? "full" : "",
].filter((one) => one !== "").join(" ");
const shown = [state()];
for (const line of fs.readFileSync(0, "utf8").split("\n").filter((one) => one)) {
  if (line.startsWith("wait ")) {
    const until = clock + Number(line.slice(5)) * 1000;
    for (let at = 0; at < timers.length; at += 1) {
      if (timers[at].run && timers[at].at <= until) {
        clock = timers[at].at;
        timers[at].run();
        timers[at].run = null;
      }
    }
    clock = until;
  } else {
    handlers.keydown({key: line === "Space" ? " " : line, preventDefault() {}});
  }
  shown.push(state());
}
console.log(JSON.stringify(shown));
