export const WORDS = {
  "acts.explained": "主办方每一次修改（或尝试修改）的请求。只有负责人可以查看。",
  "acts.who": "只看此密钥",
  "acts.filter": "显示",
  "acts.none": "还没有记录。",
  "acts.more": "显示更多",
  "acts.at": "时间",
  "acts.by": "谁",
  "acts.what": "做了什么",
  "acts.outcome": "结果",
  "acts.done": "完成",
  "acts.refused": "被拒绝（{code}）",
  "acts.unknown": "不确定：请查看是否已生效",
};
