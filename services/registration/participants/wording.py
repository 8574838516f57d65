"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "group_id_taken": "这个编号属于个人，不能用作单位编号",
    "group_unknown": "没有编号为 {group_id} 的单位",
}
