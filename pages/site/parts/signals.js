// Says a verdict by sound and by vibration, for people who do not look at the screen; and keeps the screen awake.
import { store, stored } from "./kept.js";

// Of each outcome: tones as [Hz, seconds], and how long the device vibrates and rests, in milliseconds.
const SIGNALS = {
  good: { tones: [[880, 0.12], [1320, 0.2]], vibration: [80] },
  fair: { tones: [[520, 0.2], [520, 0.2]], vibration: [80, 80, 80] },
  bad: { tones: [[200, 0.3], [150, 0.5]], vibration: [300, 100, 300] },
};
const LOUDNESS = 0.4;
let audio = null;
let lock = null;

export function muted() {
  return stored("door-muted") === true;
}

export function mute(on) {
  store("door-muted", on);
}

export function signal(outcome) {
  // Browsers forbid both before somebody has touched the page, and say so in their log.
  if (navigator.userActivation && !navigator.userActivation.hasBeenActive) return;
  navigator.vibrate?.(SIGNALS[outcome].vibration);
  if (!muted()) play(SIGNALS[outcome].tones);
}

/** Whoever waits at a door or looks at a hall's screen does not touch it for a long time. */
export async function keepAwake() {
  const ask = async () => {
    if (document.hidden || (lock && !lock.released)) return;
    // Refused when the battery is low: then the device sleeps as it always does.
    lock = (await navigator.wakeLock?.request("screen").catch(() => null)) ?? null;
  };
  document.addEventListener("visibilitychange", ask);
  await ask();
}

function play(tones) {
  try {
    audio ??= new AudioContext();
    audio.resume();
    let at = audio.currentTime;
    for (const [hertz, seconds] of tones) {
      const tone = new OscillatorNode(audio, { frequency: hertz, type: "square" });
      const volume = new GainNode(audio, { gain: LOUDNESS });
      tone.connect(volume).connect(audio.destination);
      tone.start(at);
      tone.stop(at + seconds * 0.9);
      at += seconds;
    }
  } catch {
    // A device without sound: the verdict is on the screen.
  }
}
