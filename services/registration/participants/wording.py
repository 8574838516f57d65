"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "contact_ambiguous": "电子邮箱和手机号码只能填写一项",
    "contact_missing": "请填写电子邮箱或手机号码",
    "group_id_taken": "这个编号属于个人，不能用作单位编号",
    "group_unknown": "没有编号为 {group_id} 的单位",
    "phone_invalid": "这不是有效的手机号码",
    "phone_region": "这里不能使用该国家或地区的手机号码，请填写电子邮箱",
    "sms_too_many": "您所在网络获取短信验证码的次数过多，请改填电子邮箱，或在 {seconds} 秒后再试",
    "phone_unsupported": "这里不能使用手机号码，请填写电子邮箱",
}
