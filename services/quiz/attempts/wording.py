"""What the refusals of this room say in Chinese, by code; `{name}` is a value that the error carries."""

CHINESE: dict[str, str] = {
    "attempt_foreign": "该令牌不属于这次答题",
    "attempt_late": "答题时间已结束",
    "attempt_token_invalid": "答题令牌无效",
    "attempt_token_missing": "请在 Authorization: Bearer 请求头中提供答题令牌",
    "attempt_unknown": "没有这次答题",
    "attempts_exhausted": "今天的答题次数已用完",
    "question_unknown": "有答案对应的题目不在这份试卷上",
    "submission_malformed": "无法读取答案",
}
