"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "too_many_messages": "每个场次最多发送 {messages} 条通知",
}
