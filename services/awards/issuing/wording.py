"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "quiz_not_closed": "答题活动还没有结束",
    "scheme_conferred": "该方案由组织者颁发，没有可以执行的规则",
    "scheme_not_conferred": "该方案的奖项按规则产生，不能由组织者颁发",
    "standings_too_short": "公布的名次不足以确定全部获奖者，请执行该方案",
}
