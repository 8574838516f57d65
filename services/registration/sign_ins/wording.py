"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "changes_too_many": "您的信息修改过于频繁，请在 {seconds} 秒后再试",
    "code_tries_exhausted": "验证码输入错误次数过多，请重新登录获取",
    "code_wrong": "验证码不正确或已过期，还可以再试 {tries_left} 次",
    "contact_known": "这个联系方式已有人使用；如果是您本人，请用它登录",
    "group_unknown": "没有编号为 {group_id} 的单位",
    "name_missing": "请同时填写姓名",
    "not_a_person": "单位的信息由主办方维护",
    "participant_erased": "该参与者的信息已注销",
    "participant_unknown": "令牌对应的参与者不存在，请重新报名",
    "sign_in_unknown": "没有这次登录，或已过期，请重新登录",
    "sign_ins_too_many": "请求过于频繁，请在 {seconds} 秒后再试",
}
