"""What awards' refusals say in Chinese, by their codes; English stands where they are raised."""

CHINESE: dict[str, str] = {
    "award_code_malformed": "这不是有效的获奖编号，编号形如 KW-7Q2MA-X4D0P，请检查是否有输入错误",
    "award_revoked": "该奖项已被撤销，不能再次颁发",
    "award_unknown": "没有这个奖项",
    "participant_erased": "该参与者的信息已注销",
    "places_above_standings": "各等级名额之和超过了答题活动结束时公布的名次数（{listed}）",
    "quiz_not_closed": "答题活动还没有结束",
    "quiz_unknown": "没有这个答题活动；如果刚刚发布，请稍后再试",
    "recipient_unknown": "没有这个参与者或团体；如果刚刚登记，请稍后再试",
    "scheme_conferred": "该方案由组织者颁发，没有可以执行的规则",
    "scheme_id_differs": "路径中的方案编号与内容中的不一致",
    "scheme_in_use": "该方案已有获奖记录，只能修改名称",
    "scheme_not_conferred": "该方案的奖项按规则产生，不能由组织者颁发",
    "scheme_unknown": "没有这个奖励方案",
    "standings_too_short": "公布的名次不足以确定全部获奖者，请执行该方案",
    "tiers_alike": "两个等级的名称相同",
    "too_many_schemes": "奖励方案的数量已达到上限",
}
