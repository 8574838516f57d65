"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "award_code_malformed": "这不是有效的获奖编号，编号形如 KW-7Q2MA-X4D0P，请检查是否有输入错误",
    "award_codes_tried": "没有这个奖项，且您所在网络查错过多：正确的编号随时可查（{seconds} 秒后重新计数）",
    "award_not_earned": "该奖项按规则收回：成绩恢复后会自动恢复有效",
    "award_replaced": "该奖项已由另一奖项替代：请查看替代它的奖项，如有误，请再替换那一项",
    "award_revoked": "该奖项已被撤销：不能再次颁发，也不能更改撤销原因",
    "award_unknown": "没有这个奖项",
    "replacement_not_different": "替换后的奖项与原奖项相同：请另选获奖者或奖项方案",
}
