"""What the refusals of this room say in Chinese, by code."""

CHINESE: dict[str, str] = {
    "message_unknown": "没有这条消息",
}
