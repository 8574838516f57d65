"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "award_not_called": "奖项 {award_code} 不属于本次颁奖典礼，请先把其方案或等级加入典礼议程",
    "award_not_held": "奖项 {award_code} 已被撤销，请勿颁发",
    "called_twice": "同一奖项会被重复宣读，请检查议程",
    "ceremony_id_differs": "路径中的典礼编号与内容中的不一致",
    "ceremony_in_use": "该典礼已颁发奖项，不能删除",
    "ceremony_unknown": "没有这个颁奖典礼",
    "hall_link_unknown": "链接不存在或已失效，请向主办方索取新链接",
    "handed_over_elsewhere": "奖项 {award_code} 已在典礼 {ceremony_id} 颁发，请先在那里撤回标记",
    "handed_over_too_often": "奖项 {award_code} 的标记更改次数过多",
    "one_receiver": "请在 receiver_id 与 receiver_name 中只填写一项，说明由谁代领",
    "proxy_unknown": "没有登记代领人",
    "tier_unknown": "奖项方案 {scheme_id} 没有这个等级",
    "too_many_awards": "议程中的奖项超过 {most} 个，请指定等级或另建一场典礼",
    "too_many_ceremonies": "颁奖典礼的数量已达到上限，请先删除一个",
    "too_many_proxies": "代领人的数量已达到上限",
    # Refusals of rooms below, in the same words.
    "award_unknown": "没有这个奖项",
    "participant_erased": "该参与者的信息已注销",
}
