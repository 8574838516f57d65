"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "credential_changed": "该奖项刚刚发生变化，请重新读取",
    "credential_revoked": "该奖项已被撤销，不再提供可验证凭证；撤销原因可凭获奖编号查询",
    "credentials_off": "本系统未启用可验证凭证：请运维人员设置 KEPU_CREDENTIAL_KEY",
    "holder_malformed": "holder 必须是 Ed25519 密钥的 did:key，形如 did:key:z6Mk…",
    "holder_not_recipient": "只有获奖者本人才能把凭证绑定到自己的 did:key",
    "recipient_erased": "获奖者的信息已注销，不再提供凭证；获奖编号仍可查询",
    "status_list_unknown": "没有这个状态列表",
}
