export const WORDS = {
  "forms.keep": "No, leave it",
  "forms.differs": "Somebody else has changed this since you opened it. Your change was not saved.",
  "forms.load": "Load the present state",
  "forms.local-time": "By the clocks of the week's city",
  "difficulty.easy": "easy",
  "difficulty.medium": "medium",
  "difficulty.hard": "hard",
};
