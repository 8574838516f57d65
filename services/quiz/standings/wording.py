"""What the refusals of this room say in Chinese, by code; `{name}` is a value that the error carries."""

CHINESE: dict[str, str] = {
    "standing_unknown": "您在这个竞赛中还没有成绩",
}
