"""What the refusals of this room say in Chinese, by code."""

CHINESE: dict[str, str] = {
    "corrections_differ": "该竞赛在您读取之后已有更正，请重新读取",
    "key_or_cancelled": "请填写新的答案，或选择取消该题，两者选一",
    "question_not_in_quiz": "竞赛中没有这道题",
    "quiz_is_final": "竞赛已结束，名次已定，不能再更正",
    "quiz_not_begun": "还没有人开始答题，请直接修改竞赛",
    "regrading_under_way": "上一次更正正在重新评分，请等待完成",
    "too_many_corrections": "竞赛更正次数已达上限",
}
