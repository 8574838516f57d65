"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "consent_unknown": "链接不存在或已过期",
    "consent_given": "监护人已经同意",
    "consent_for_name": "监护人已为该姓名的成员签署同意；请移除该成员，再添加另一成员",
    "consent_revoked": "同意已撤回，请向学校或单位索取新链接",
    "consent_text_changed": "文本已更新，请重新阅读",
    "consent_not_given": "监护人尚未同意",
    "consent_missing": "有 {count} 名未成年人缺少监护人同意，例如 {member_id}",
    "member_no_minor": "该成员不是未成年人",
}
