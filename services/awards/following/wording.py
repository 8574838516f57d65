"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "preview_too_large": "涉及的奖项过多（最多{awards}个），请分几次预览",
}
