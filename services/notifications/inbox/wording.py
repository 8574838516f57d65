"""What the refusals of this room say in Chinese, by code."""

CHINESE: dict[str, str] = {
    "not_a_group": "这位参与者不是单位",
    "participant_unknown": "没有这位参与者",
}
