export const WORDS = {
  "conflict-code.family": "family",
  "conflict-code.colleague": "colleague",
  "conflict-code.teacher": "teacher or student",
  "conflict-code.cooperation": "cooperation",
  "conflict-code.dispute": "dispute",
  "conflict-code.other": "another reason",
};
