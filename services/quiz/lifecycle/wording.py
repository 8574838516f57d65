"""What the refusals of this room say in Chinese, by code."""

CHINESE: dict[str, str] = {
    "cancellation_unknown": "这个竞赛没有被取消",
    "end_not_later": "结束时间只能延后",
}
