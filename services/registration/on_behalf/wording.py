"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "person_known": "参与者 {participant_id} 已使用这个联系方式，请为这位参与者报名",
    "person_unknown": "没有这位参与者",
    "person_or_participant": "请填写新的参加者或已有参与者的编号，二者只能选一",
}
