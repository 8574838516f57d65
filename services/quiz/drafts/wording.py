"""What the refusals of this room say in Chinese, by code; `{name}` is a value that the error carries."""

CHINESE: dict[str, str] = {
    "draft_differs": "该草稿在您读取之后已有变化，请重新读取",
    "draft_unknown": "没有这个竞赛的草稿",
    "paper_unknown": "没有这份试卷：共 {papers} 份，编号从 0 开始",
    "quiz_published": "已有同名竞赛发布",
    "too_many_drafts": "竞赛草稿数量已达上限",
}
