"""What the refusals of this room say in Chinese, by code; `{name}` is a value that the error carries."""

CHINESE: dict[str, str] = {
    "disqualified": "您在本竞赛中的成绩已被取消，不能继续答题。原因：{reason}",
    "too_many_decisions": "对该参赛者作出的决定次数已达上限",
    "too_many_disqualified": "单独取消的答题次数已达上限，请直接取消该参赛者的成绩",
}
