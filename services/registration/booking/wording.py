"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "already_checked_in": "已经签到，不能再取消",
    "already_registered": "您已经报名这个场次",
    "contact_known": "这个联系方式已有人使用；如果是您本人，请用它登录",
    "held_too_many": "已为您暂留 {registrations} 个报名；请先验证电子邮箱或手机号，再继续报名",
    "idempotency_key_reused": "这个 Idempotency-Key 已用于另一个请求，请换一个新的",
    "not_offered": "这个报名没有待接受的名额",
    "offer_expired": "接受名额的时间已过",
    "overlaps": "您在同一时间已有其他报名（编号 {registration_id}），请先取消",
    "participant_and_token": "请只提供参与者信息或令牌，不要同时提供",
    "participant_erased": "该参与者的信息已注销",
    "participant_missing": "请填写参与者信息，或提供令牌",
    "participant_unknown": "令牌对应的参与者不存在，请重新报名",
    "places_above_capacity": "这个场次总共只有 {capacity} 个名额",
    "places_need_confirmation": "验证电子邮箱或手机号之前，最多可报 {places} 个名额",
    "places_need_group": "个人在这个场次最多可报 {places} 个名额；更多名额请由单位报名",
    "reason_of_organiser": "只有主办方取消时填写原因，请不要发送内容",
    "registration_unknown": "没有这个报名",
    "rounds_too_many": "您已在这个场次报名 {rounds} 次，请联系主办方",
    "session_cancelled": "这个场次已取消",
    "session_closed": "这个场次的报名已经截止",
    "session_for_confirmed": "这个场次只接受已验证电子邮箱或手机号的参与者；请先验证，再报名",
    "consent_needed": "需要监护人先同意，链接由学校或单位提供",
    "session_for_roster": (
        "这个场次面向学校、单位和服务队的成员：请用名册上的邮箱登录，或用单位发的认领码认领，"
        "或由单位、主办方报名"
    ),
    "session_full": "这个场次和候补名单都已满",
    "session_not_open": "这个场次的报名还没有开始",
    "session_unknown": "没有编号为 {session_id} 的场次",
}
