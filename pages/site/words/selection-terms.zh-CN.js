export const WORDS = {
  "conflict-code.family": "亲属",
  "conflict-code.colleague": "同事",
  "conflict-code.teacher": "师生",
  "conflict-code.cooperation": "合作关系",
  "conflict-code.dispute": "有纠纷",
  "conflict-code.other": "其他原因",
};
