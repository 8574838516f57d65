// The end of a contest on a large screen: places are shown one by one, from the last one up. All functions are pure.

/**
 * The rows of a screen, the best first: each is a standing, or null as long as its place is hidden.
 *
 * `revealed`: how many places are shown, counted from the last one; null: all. `frozen`: the standings that the hall saw
 * last. With them each standing says its place before: `before`, null for somebody who was not among them.
 */
export function rowsOf(standings, revealed, frozen) {
  const before = frozen && new Map(frozen.map((one) => [one.alias, one.rank]));
  const hidden = revealed === null ? 0 : Math.max(0, standings.length - revealed);
  return standings.map((one, at) => (at < hidden ? null : { ...one, ...(before ? { before: before.get(one.alias) ?? null } : {}) }));
}

/** Whether the end waits for a key: nobody in the hall has seen the last standings yet. */
export function isSecret(quiz, frozen) {
  return quiz.shows_scores === "at_close" || frozen !== null;
}
