// Computes a draw again in the reader's browser, from the public answers alone. The rule: docs/draws.md
// It is an independent second writing of services/awards/draws/lottery.py. A test runs it in Node.

const NUMBERS = 1n << 64n;

async function sha256(text) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

export async function hexDigest(text) {
  return Array.from(await sha256(text), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function readList(text) {
  const lines = text.split("\n").slice(0, -1).map((line) => line.split(" "));
  return { ids: lines.map((line) => line[0]), chances: lines.map((line) => Number(line[1])) };
}

export async function drawn(text, seed, count) {
  const digest = await hexDigest(text);
  const { ids, chances } = readList(text);
  let total = chances.reduce((sum, one) => sum + one, 0);
  const found = [];
  for (let place = 1; found.length < count && total > 0; place += 1) {
    const number = new DataView((await sha256(`${digest}/${seed}${place}`)).buffer).getBigUint64(0);
    // Numbers of an incomplete round of all tickets are left out.
    if (number >= NUMBERS - (NUMBERS % BigInt(total))) continue;
    let ticket = Number(number % BigInt(total));
    let at = 0;
    while (ticket >= chances[at]) {
      ticket -= chances[at];
      at += 1;
    }
    found.push(ids[at]);
    total -= chances[at];
    chances[at] = 0;
  }
  return found;
}

export function holders(prizes, drawnIds, moved) {
  const tiers = prizes.flatMap((prize) => Array(prize.places).fill(prize.tier));
  const held = new Map(drawnIds.slice(0, tiers.length).map((id, at) => [id, tiers[at]]));
  const reserves = drawnIds.slice(tiers.length);
  const gone = new Set();
  for (const one of moved) {
    gone.add(one);
    if (!held.has(one)) continue;
    const tier = held.get(one);
    held.delete(one);
    while (reserves.length && gone.has(reserves[0])) reserves.shift();
    if (reserves.length) held.set(reserves.shift(), tier);
  }
  return held;
}

async function seedIsRight(draw) {
  const parts = draw.seed.split("/").slice(0, -1);
  if (parts.length !== draw.sources.length) return false;
  for (const [at, source] of draw.sources.entries()) {
    if (source.sha256 !== null) {
      if ((await hexDigest(parts[at])) !== source.sha256) return false;
    } else {
      const numbers = parts[at].split(".").slice(0, -1).map(BigInt);
      const isRising = numbers.every((number, place) => place === 0 || numbers[place - 1] <= number);
      if (numbers.length === 0 || !isRising || Date.parse(source.expected_at) <= Date.parse(draw.announced_at)) {
        return false;
      }
    }
  }
  return true;
}

// Which steps agree, by name. Before the winners are drawn there are only the first two.
export async function check(draw, text) {
  const { ids, chances } = readList(text);
  const isSorted = ids.every((id, at) => at === 0 || ids[at - 1] < id);
  const total = chances.reduce((sum, one) => sum + one, 0);
  const steps = {
    list: (await hexDigest(text)) === draw.list_sha256,
    chances: isSorted && ids.length === draw.entrants && total === draw.chances,
  };
  if (draw.seed === null) return steps;
  const said = draw.drawn.map((one) => one.entrant_id);
  const count = draw.prizes.reduce((sum, prize) => sum + prize.places, 0) + draw.reserves;
  const found = await drawn(text, draw.seed, count);
  steps.seed = await seedIsRight(draw);
  steps.drawn = found.join() === said.join();
  const held = draw.replaced_because === null ? holders(draw.prizes, said, draw.moved) : new Map();
  steps.prizes = draw.drawn.every((one) => (held.get(one.entrant_id) ?? null) === one.tier);
  return steps;
}

async function show(place) {
  const asked = `${place.dataset.draw}?number=${place.dataset.number}`;
  const listed = `${place.dataset.draw}/entrants.txt?number=${place.dataset.number}`;
  const draw = await (await fetch(asked, { headers: { accept: "application/json" } })).json();
  const text = await (await fetch(listed)).text();
  for (const [step, agrees] of Object.entries(await check(draw, text))) {
    const row = place.querySelector(`[data-step="${step}"]`);
    row.querySelector(agrees ? ".right" : ".wrong").hidden = false;
  }
}

if (typeof document !== "undefined") {
  const place = document.querySelector("[data-draw]");
  const button = document.querySelector("button");
  button.hidden = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await show(place);
    } catch {
      document.querySelector(".failed").hidden = false;
    }
  });
}
