// What is particular to this week. An organiser changes it here, and builds the pages again.
export const WEEK = {
  timezone: "Asia/Shanghai",
  name: { "zh-CN": "濮阳科技活动周", en: "Puyang Science & Technology Week" },
  motto: { "zh-CN": "热爱科学 崇尚科学", en: "Love science, honour science" },
};
