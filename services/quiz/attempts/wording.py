"""What the refusals of this room say in Chinese, by code; `{name}` is a value that the error carries."""

CHINESE: dict[str, str] = {
    "attempt_foreign": "该令牌不属于这次答题",
    "attempt_late": "答题时间已结束",
    "attempt_submitted": "这次答题已经交卷，以第一次为准",
    "attempt_token_invalid": "答题令牌无效",
    "attempt_token_missing": "请在 Authorization: Bearer 请求头中提供答题令牌",
    "attempt_unknown": "没有这次答题",
    "attempts_exhausted": "今天的答题次数已用完",
    "question_unknown": "有答案对应的题目不在这份试卷上",
    "quiz_for_confirmed": (
        "本竞赛需要先验证邮箱：请用您的邮箱登录，再用新令牌开始答题；注销后重新加入的，须等一天"
    ),
    "quiz_for_roster": (
        "本竞赛面向学校、单位和服务队的成员：请让单位把您的邮箱录入名册并用它登录，或向单位索取认领码，然后再开始答题"
    ),
    "start_malformed": "无法读取请求内容：可以留空，或提供格式正确的设备标识",
    "submission_malformed": "无法读取答案",
}
