"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "not_in_notice": "该参与者不在公示名单中",
    "notice_ended": "公示期已结束，不能再提出异议",
    "notice_unpublished": "还没有公示",
    "objection_decided": "该异议已有其他处理结果",
    "objection_unknown": "没有这条异议",
    "objections_undecided": "还有{open}条异议没有处理，请先处理",
    "too_many_objections": "异议的数量已达到上限，请用其他方式联系主办方",
}
