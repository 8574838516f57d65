"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "participant_erased": "该参与者的信息已注销",
    "scan_let_nobody_in": "这次扫码没有放行任何人",
    "scan_unknown": "这台设备没有发送过这次扫码",
    "session_unknown": "没有编号为 {session_id} 的场次",
    "ticket_or_list": "ticket 和 registration_id 必须且只能填写一个",
    "undo_too_late": "签到只能在 {minutes} 分钟内撤销",
}
