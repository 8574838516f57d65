"""What the refusals of this room say in Chinese, by code."""

CHINESE: dict[str, str] = {
    "participant_erased": "该参与者的信息已注销",
}
