"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "claim_code_wrong": "这不是该单位的认领码，或者已经使用或过期；请向学校或单位索取新的认领码",
    "claim_needs_contact": "请先验证您的电子邮箱，再用认领码；没有邮箱时，请不带令牌使用认领码",
    "claims_too_many": "认领码不正确，且输错次数过多（{seconds} 秒后重新计数）；正确的认领码随时有效，请核对",
    "member_already": "您已经是该单位的另一名成员，请联系单位",
    "participant_erased": "该参与者的信息已注销",
    "participant_unknown": "令牌对应的参与者不存在，请重新报名",
}
