"""What the refusals of this room say in Chinese, by code."""

CHINESE: dict[str, str] = {
    "flag_unknown": "没有这条提示",
}
