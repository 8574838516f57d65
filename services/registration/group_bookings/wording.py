"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "attendees_changes_too_many": "这次报名的参加人员已修改 {most} 次，请联系主办方",
    "places_fixed": "这次报名的名额不能再修改",
    "wait_grows": "候补的名额只能减少；如需更多名额，请取消后重新报名",
    "member_named_twice": "同一名成员只能填写一次",
}
