"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "candidates_too_few": "{places}个名额至少需要{least}名候选人（差额评选），请提高候选人数上限",
    "criteria_alike": "评选的两项评分标准编号相同",
    "may_not_nominate": "您的身份不能在该评选中推荐人选",
    "nomination_withdrawn": "该推荐已撤回，不能再次提交",
    "nominee_unknown": "该参与者没有被推荐参加这个评选",
    "nominee_withdrew": "该人选已退出这个评选",
    "scheme_has_selection": "该奖项方案已用于另一个评选，请为本评选另设奖项方案",
    "scheme_not_selected": "该奖项方案的规则不是 selected",
    "selection_id_differs": "路径中的评选编号与内容中的不一致",
    "selection_in_other_phase": "评选当前处于 {phase} 阶段，该操作只能在 {wanted} 阶段进行",
    "selection_in_use": "已有被推荐人或评分，{field} 不能再修改",
    "selection_shortlisted": "评选已公布候选人，不能再修改",
    "selection_times": "评选的时间顺序不正确：推荐开始须早于推荐截止，推荐截止须早于评分截止",
    "selection_unknown": "没有这个评选",
    "too_many_nominated": "您在该评选中推荐的人选已达到上限（{most}）",
    "too_many_nominations": "该人选的推荐数量已达到上限",
    "too_many_nominees": "该评选的被推荐人数已达到上限（{most}）",
    "too_many_selections": "评选的数量已达到上限（{most}）",
}
