export const WORDS = {
  "acts.explained": "Every request by which an organiser changed something, or tried to. Only an owner may read it.",
  "acts.who": "Only of this key",
  "acts.filter": "Show",
  "acts.none": "Nothing yet.",
  "acts.more": "Show more",
  "acts.at": "When",
  "acts.by": "Who",
  "acts.what": "What",
  "acts.outcome": "Outcome",
  "acts.done": "done",
  "acts.refused": "refused ({code})",
  "acts.unknown": "not known: look whether it took effect",
};
