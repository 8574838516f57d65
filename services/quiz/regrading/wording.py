"""What the refusals of this room say in Chinese, by code."""

CHINESE: dict[str, str] = {
    "corrected_already": "该题已是这样更正的",
    "corrections_differ": "该竞赛在您读取之后已有更正，请重新读取",
    "key_or_cancelled": "请在新的答案、取消该题、新的分值、剔除该题中选择一项",
    "paper_worth_nothing": "更正后试卷总分为零",
    "preview_unknown": "还没有预览过更正",
    "question_not_in_all_papers": "并非每份试卷都有这道题，各份试卷的总分会不同",
    "question_not_in_quiz": "竞赛中没有这道题",
    "question_taken_out": "该题已被剔除",
    "quiz_is_final": "竞赛结束已超过{days}天，成绩不再更改",
    "quiz_not_begun": "还没有人开始答题，请直接修改竞赛",
    "regrading_under_way": "上一次更正正在重新评分，请等待完成",
    "too_many_corrections": "竞赛更正次数已达上限",
}
