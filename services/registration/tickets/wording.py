"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "registration_unknown": "没有这个报名",
    "ticket_missing": "这个报名没有名额，因此没有入场券",
    "ticket_unknown": "没有这张入场券",
}
