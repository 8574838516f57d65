"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "merge_itself": "请填写两个不同的参与者编号",
    "merge_confirmed": "参与者 {participant_id} 已验证联系方式，请让另一个编号并入这一个，或由本人注销",
    "merge_group": "单位不能合并",
    "merged_elsewhere": "参与者 {participant_id} 已并入参与者 {into}",
    "person_unknown": "没有这位参与者",
}
