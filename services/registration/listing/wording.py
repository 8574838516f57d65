"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "ticket_unknown": "没有这张入场券",
}
