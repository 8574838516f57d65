"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "contact_unverified": "请先验证电子邮箱或手机号（登录），再用新令牌提出请求",
    "not_manager": "您不是单位 {group_id} 的管理员",
    "invitation_unknown": "邀请不存在、已使用或已过期",
    "group_changes_too_many": "一个单位每小时最多逐条修改 {most} 次，请在 {seconds} 秒后再试，或上传文件",
    "lines_too_many": "一个单位每天最多导入 {most} 行新增或有变动的名册内容，请在 {seconds} 秒后再试",
    "managers_too_many": "一个单位最多 {most} 名管理员",
    "applications_too_many": "您已有 {most} 份申请尚未处理，请等待结果",
    "application_changes_too_many": "每小时最多提交或修改 {most} 次申请，请在 {seconds} 秒后再试",
    "application_unknown": "没有这份申请",
    "application_changed": "申请人已修改这份申请，请重新查看后再决定",
    "application_decided": "这份申请已经处理过了",
    "group_exists": "已有编号为 {group_id} 的单位",
}
