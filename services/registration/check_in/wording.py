"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "check_in_too_early": "还没到签到时间：最早在场次开始前三小时签到",
    "check_in_too_late": "已过签到时间：最晚在场次结束后两小时签到",
    "place_unconfirmed": "这个报名的名额还没有确认",
    "ticket_cancelled": "这张入场券对应的报名已取消",
    "ticket_unknown": "没有这张入场券",
}
