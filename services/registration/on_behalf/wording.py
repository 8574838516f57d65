"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "person_unknown": "没有这位参与者",
    "person_or_participant": "请填写新的参加者或已有参与者的编号，二者只能选一",
}
