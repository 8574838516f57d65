"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "criteria_differ": "请为评选的每一项标准打分，且不含其他项目",
    "expert_is_nominee": "该参与者是本评选的被推荐人，不能担任专家",
    "not_an_expert": "您不是评审该人选的专家",
    "points_out_of_range": "标准 {criterion} 的分值为 0 至 {most}",
    "too_many_conflicts": "该评选登记的回避数量已达到上限",
    "too_many_experts": "该评选的专家人数已达到上限（{most}）",
    "too_many_score_versions": "对该人选的评分修改次数已达到上限",
}
