// What is particular to this week, and its clock. An organiser changes it here, and builds the pages again.
export const WEEK = {
  timezone: "Asia/Shanghai",
  // Its clock is ahead of UTC by so many hours, in summer and in winter.
  hoursAhead: 8,
  // Proposed wherever somebody says a district. Written in two ways, it would be two in the standings.
  districts: ["华龙区", "濮阳县", "清丰县", "南乐县", "范县", "台前县"],
  name: { "zh-CN": "濮阳科技活动周", en: "Puyang Science & Technology Week" },
  motto: { "zh-CN": "热爱科学 崇尚科学", en: "Love science, honour science" },
};

const HOUR_MS = 3_600_000;

/** What the week's clock shows at a time, as the parts that a Date has in UTC. */
export function shown(time) {
  return new Date(new Date(time).getTime() + WEEK.hoursAhead * HOUR_MS);
}

/** What the week's clock shows, as 2026-05-20T09:00:00. */
export function wall(time) {
  return shown(time).toISOString().slice(0, 19);
}

/** The day that the week's calendar shows, as 2026-05-20: to compare and to sort by. */
export function date(time) {
  return wall(time).slice(0, 10);
}

/** When the week's clock shows this, in milliseconds since 1970; NaN if that is no time. */
export function atWall(text) {
  return Date.parse(`${text}Z`) - WEEK.hoursAhead * HOUR_MS;
}
