"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "candidate_not_ranked": "所列人选不在排名中",
    "candidate_passed_over": "有排名不低于所列候选人的人选没有列入",
    "candidates_tied": "并列第{rank}名的人选超出候选人数上限（{most}），请指定候选人",
    "no_candidates_yet": "该评选还没有公布候选人",
    "scheme_changed": "奖项方案的规则已不是 selected，请重新设置",
    "scores_missing": "有{number}名人选缺少评分：请延长评分时间，或以 allow_missing 接受",
    "selection_decided": "已经记录了另一次表决结果，不再改变",
    "shortlist_too_short": "{places}个名额至少需要{least}名候选人；如确需减少，请使用 allow_fewer",
    "too_many_candidates": "候选人数超过上限（{most}）",
    "votes_differ": "请提供对每一名仍在评选中的候选人的表决结果，且不含其他人",
    "votes_tied": "得{votes}票的候选人多于剩余名额，请对这些候选人再次表决",
    "votes_too_many": "候选人的票数超过了委员会人数",
}
