"""What the refusals of this room say in Chinese, by code."""

CHINESE: dict[str, str] = {
    "backlog_full": "等待推送的太多：请等它们发完",
    "body_gone": "这次推送的内容已经删除：参与者已注销，或者时间太久",
    "delivery_unknown": "没有这次推送",
    "period_empty": "since 必须早于 until",
    "period_too_old": "推送只保存 {days} 天：since 太早",
    "replay_too_large": "这段时间的推送超过 {most} 次：请缩短时间",
}
