// Lists that people write or paste into a field: one thing a line.

/** The lines of a text that have something in them. */
export function linesOf(text) {
  return text.split("\n").map((line) => line.trim()).filter(Boolean);
}

/** Of each line what stands first, and the rest. Columns of a table are parted by tabs. */
export function columnsOf(text) {
  return linesOf(text).map((line) => {
    const [, first, rest] = line.match(/^([^\s,，;；]+)[\s,，;；]*(.*)$/) ?? [null, line, ""];
    return [first, rest];
  });
}

/** Levels of prizes as lines: a name, and how many places. */
export function tierLines(tiers) {
  return tiers.map((one) => `${one.tier} ${one.places}`).join("\n");
}

export function tiersOf(text) {
  return linesOf(text).map((line) => {
    const [, tier, places] = line.match(/^(.*?)[\s,，:：]*(\d+)$/) ?? [null, line, "0"];
    return { tier, places: Number(places) };
  });
}
