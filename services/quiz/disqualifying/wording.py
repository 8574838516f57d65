"""What the refusals of this room say in Chinese, by code."""

CHINESE: dict[str, str] = {
    "attempts_not_theirs": "所列答题不是该参赛者在本竞赛中的答题",
    "participant_unknown": "没有该参赛者",
    "too_many_people": "本竞赛中被处理的参赛者人数已达上限",
}
