"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "already_checked_in": "已经签到，不能再取消",
    "already_registered": "您已经报名这个场次",
    "idempotency_key_reused": "这个 Idempotency-Key 已用于另一个请求，请换一个新的",
    "participant_and_token": "请只提供参加者信息或令牌，不要同时提供",
    "participant_erased": "该参与者的信息已注销",
    "participant_missing": "请填写参加者信息，或提供令牌",
    "participant_unknown": "令牌对应的参加者不存在，请重新报名",
    "places_above_capacity": "这个场次总共只有 {capacity} 个名额",
    "places_need_group": "初次报名最多 {places} 个名额；更多名额请由团体报名，或凭令牌申请",
    "registration_unknown": "没有这个报名",
    "session_cancelled": "这个场次已取消",
    "session_closed": "这个场次的报名已经截止",
    "session_full": "这个场次和候补名单都已满",
    "session_not_open": "这个场次的报名还没有开始",
    "session_unknown": "没有编号为 {session_id} 的场次",
}
