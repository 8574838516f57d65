"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "recipient_has_award": "新的获奖者已有该奖项：请撤销原奖项，不必替换",
    "quiz_not_closed": "竞赛还没有结束",
    "scheme_after_notice": "该奖项方案的奖项须先公示：请提名为拟获奖者",
    "scheme_selected": "该奖项方案的奖项由评选产生，请在评选中作出决定",
    "scheme_conferred": "该奖项方案由主办方授予，没有可以补发的规则",
    "scheme_drawn": "该奖项方案的奖项只由抽签产生",
    "scheme_not_conferred": "该奖项方案的奖项按规则产生，不能由主办方授予",
    "standings_too_short": "公布的名次少于奖项名额，无法确定全部获奖者",
}
