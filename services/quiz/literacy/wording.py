"""What the refusals of this room say in Chinese, by code."""

CHINESE: dict[str, str] = {
    "literacy_not_counted": "该竞赛的科学素质数据尚未统计",
    "tiers_alike": "两个等级的名称相同",
    "tiers_order": "各等级的起始百分比应依次升高",
}
