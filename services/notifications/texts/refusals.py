"""The Chinese words for refused requests, by code. The English words are where the error is raised."""

CHINESE: dict[str, str] = {
    "inboxes_not_listed": "送达收件箱的消息不在此列出",
    "message_unknown": "没有这条消息",
    "not_a_group": "这位参与者不是团体",
    "not_failed": "这条消息没有发送失败，或者已删除",
    "participant_erased": "这位参与者的资料已删除",
    "participant_unknown": "没有这位参与者",
}
