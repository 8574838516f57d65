"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "conferred_follows_nothing": "该奖项方案由主办方授予或抽签产生，没有可以跟随的成绩",
    "selected_at_once": "该奖项方案的评选自有公示，奖项不再另行公示",
    "drawn_at_once": "抽签产生的奖项不经过公示",
    "lots_are_final": "抽签公开进行，不因成绩变化重抽：同分抽签的方案须保留奖项，并即时颁发",
    "notice_without_time": "公示期不能为零",
    "places_above_standings": "各等级名额之和超过了竞赛结束时公布的名次数（{listed}）",
    "scheme_differs": "该奖项方案在您读取之后已有变化，请重新读取",
    "scheme_draft": "该奖项方案还是草稿：请先发布（不带 draft 重新提交）",
    "scheme_id_differs": "路径中的奖项方案编号与内容中的不一致",
    "scheme_in_use": "该奖项方案已有获奖记录：只能修改名称，不能删除",
    "scheme_unknown": "没有这个奖项方案",
    "tiers_alike": "两个等级的名称相同",
    "too_many_schemes": "奖项方案的数量已达到上限",
}
