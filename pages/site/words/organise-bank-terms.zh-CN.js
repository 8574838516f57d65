export const WORDS = {
  "difficulty.easy": "易",
  "difficulty.medium": "中",
  "difficulty.hard": "难",
};
