"""What the refusals of this room say in Chinese, by code."""

CHINESE: dict[str, str] = {
    "participant_erased": "这位参与者的资料已删除",
}
