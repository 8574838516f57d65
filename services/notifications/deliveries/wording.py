"""What the refusals of this room say in Chinese, by code."""

CHINESE: dict[str, str] = {
    "inboxes_not_listed": "送达收件箱的消息不在此列出",
    "not_failed": "这条消息没有发送失败，或者已删除",
}
