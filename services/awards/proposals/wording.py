"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "nobody_proposed": "没有新的拟获奖者，无需公示",
    "notice_differs": "公示内容已有变化，请重新读取后再确认",
    "notice_running": "公示期尚未结束，请在公示期满后再确认",
    "notice_unknown": "该奖项方案还没有公示",
    "proposals_under_way": "拟获奖名单正在更新，请稍后再试",
    "scheme_at_once": "该奖项方案的奖项直接颁发，没有公示",
}
