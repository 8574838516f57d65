"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "activity_draft": "这个活动还是草稿，可以删除",
    "activity_published": "这个活动已发布，可以取消或删除，但不能改回草稿",
    "activity_unknown": "没有这个活动",
    "capacity_below_taken": "名额不能少于已占用的 {taken} 个",
    "capacity_below_waiting": "候补名单中有人需要 {largest} 个名额，名额不能更少",
    "session_closes": "报名截止时间不能晚于场次结束时间",
    "session_elsewhere": "场次 {session_id} 属于另一个活动",
    "session_in_past": "场次 {session_id} 尚未结束，不能改到已经过去的时间",
    "session_draft": "场次 {session_id} 还是草稿，可以删除",
    "session_in_use": "场次 {session_id} 已占用 {taken} 个名额，另有 {waiting} 个报名在候补，请先取消该场次",
    "session_last": "这是活动的最后一个场次，请删除整个活动",
    "session_opens": "报名开始时间必须早于截止时间",
    "session_published": "场次 {session_id} 已发布，可以取消或删除，但不能改回草稿",
    "session_order": "场次的结束时间必须晚于开始时间",
    "session_too_long": "场次最长 {days} 天",
    "session_twice": "同一个 session_id 只能出现一次",
    "waiting_policy_in_use": "已有 {waiting} 个报名按原候补规则候补，不能更改候补规则",
    "waiting_max_below_waiting": "候补名单中已有 {waiting} 个报名，上限不能更少",
}
