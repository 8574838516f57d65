"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "award_name_own": "此人可以自行登录，获奖姓名由本人选择",
    "group_not_masked": "单位名称只能完整显示或不显示",
}
