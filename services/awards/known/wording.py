"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "quiz_cancelled": "竞赛已取消",
    "participant_erased": "该参与者的信息已注销",
    "quiz_unknown": "没有这个竞赛；如果刚刚发布，请稍后再试",
    "recipient_unknown": "没有这个参与者或单位；如果刚刚登记，请稍后再试",
}
