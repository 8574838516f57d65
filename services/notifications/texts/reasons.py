"""Texts: why a registration was refused or cancelled. An unknown code gets a neutral sentence."""

from collections.abc import Mapping

from shared.contracts.events import Language

# By the codes of `registration.rejected`, which registration decides.
REASONS: Mapping[str, Mapping[Language, str]] = {
    "session_full": {
        "zh-CN": "该场次名额已满，候补名额亦已满",
        "en": "the session is full, and so is its waiting list",
    },
    "session_closed": {"zh-CN": "该场次报名已截止", "en": "registration for this session is closed"},
    "session_not_open": {
        "zh-CN": "该场次报名尚未开始",
        "en": "registration for this session has not opened yet",
    },
    "session_cancelled": {
        "zh-CN": "该场次已由主办方取消",
        "en": "the organisers have cancelled this session",
    },
    "session_unknown": {"zh-CN": "未查询到该场次", "en": "there is no such session"},
    "places_above_capacity": {
        "zh-CN": "所需名额超过该场次的名额总数",
        "en": "more places were asked for than the session has in all",
    },
    "session_for_confirmed": {
        "zh-CN": "该场次只接受已验证联系方式的参与者",
        "en": "this session is for participants with a verified contact",
    },
    "session_for_roster": {
        "zh-CN": "该场次由单位或主办方统一报名",
        "en": "this session is for participants whom a school, unit or organiser registers",
    },
    "places_need_group": {
        "zh-CN": "所需名额超过个人在该场次可报的名额",
        "en": "more places were asked for than one person may have at this session",
    },
    "overlaps": {
        "zh-CN": "同一时间已有其他场次的报名",
        "en": "there is a registration for another session at the same time",
    },
    "already_registered": {
        "zh-CN": "该场次已有报名记录，无需重复报名",
        "en": "there is a registration for this session already",
    },
    "group_unknown": {"zh-CN": "未查询到所填写的单位", "en": "there is no such group"},
    "contact_unreadable": {
        "zh-CN": "所提供的联系方式无法读取",
        "en": "the contact that was given cannot be read",
    },
    "participant_erased": {
        "zh-CN": "该参与者的信息已注销",
        "en": "the participant's profile has been erased",
    },
}
OTHER_REASON: Mapping[Language, str] = {
    "zh-CN": "不符合该场次的报名条件",
    "en": "the conditions of this session are not met",
}
# Codes of `registration.cancelled`. With any other code the message does not say who or what cancelled.
BY_PARTICIPANT = "cancelled_by_participant"
BY_ORGANISER = frozenset({"cancelled_by_organiser", "session_cancelled"})
# Nobody is left for whom the group had booked.
BY_MEMBER = "member_left"
BY_TIME = frozenset({"hold_expired", "offer_expired", "session_began", "registration_closed"})


def refused_because(code: str, language: Language) -> str:
    """Why a registration was refused: a sentence, never the code itself."""
    return REASONS.get(code, OTHER_REASON)[language]


def cancelled_by(code: str) -> str:
    """
    Who or what cancelled a registration.

    Returns: "participant", "organiser", `BY_MEMBER`, a code of `BY_TIME`, or "unknown".
    """
    if code == BY_PARTICIPANT:
        return "participant"
    if code == BY_MEMBER or code in BY_TIME:
        return code
    return "organiser" if code in BY_ORGANISER else "unknown"
