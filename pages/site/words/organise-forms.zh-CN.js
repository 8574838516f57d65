export const WORDS = {
  "forms.keep": "不，返回",
  "forms.differs": "您打开之后，别人已作修改。您的修改没有保存。",
  "forms.load": "载入最新内容",
  "forms.local-time": "按活动所在城市的时间",
  "difficulty.easy": "易",
  "difficulty.medium": "中",
  "difficulty.hard": "难",
};
