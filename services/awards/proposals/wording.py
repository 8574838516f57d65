"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "nobody_proposed": "没有新的拟获奖者，无需公示",
    "notice_differs": "公示内容已有变化，请重新读取后再确认",
    "notice_ended": "公示期已结束，不能再提出异议",
    "notice_running": "公示期尚未结束，请在公示期满后再确认",
    "notice_unknown": "该奖项方案还没有公示",
    "notice_unpublished": "该奖项方案还没有公示",
    "objection_decided": "该异议已有其他处理结果",
    "objection_unknown": "没有这条异议",
    "objections_undecided": "还有{open}条异议没有处理，请先处理",
    "proposal_unknown": "该参与者不在公示名单中",
    "proposals_under_way": "拟获奖名单正在更新，请稍后再试",
    "scheme_at_once": "该奖项方案的奖项直接颁发，没有公示",
    "too_many_objections": "异议的数量已达到上限，请用其他方式联系主办方",
}
