"""What the refusals of this room say in Chinese, by code; `{name}` is a value that the error carries."""

CHINESE: dict[str, str] = {
    "division_unknown": "榜单上没有“{name}”",
    "division_hidden": "“{name}”的参赛人数较少，为保护个人信息，榜单不公开",
    "freezes_full": "单独冻结的榜单已达上限（{max}个）",
}
