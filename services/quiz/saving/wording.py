"""What the refusals of this room say in Chinese, by code; `{name}` is a value that the error carries."""

CHINESE: dict[str, str] = {
    "saves_too_fast": "保存过于频繁，请一秒后再保存",
}
