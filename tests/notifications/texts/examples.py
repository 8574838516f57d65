"""Examples of events for every branch of every template; test_branches.py finds a branch without one."""

from datetime import timedelta
from typing import get_args

from services.notifications.texts.reasons import BY_TIME
from shared.contracts.envelope import Event
from shared.contracts.events import AwardKind
from tests.notifications.builders import (
    NOW,
    STARTS_AT,
    admitted,
    cancelled,
    completed,
    confirmed,
    decided,
    disqualified,
    everything,
    held,
    issued,
    moved,
    nominated,
    objected,
    proposed,
    regraded,
    rejected,
    reminded,
    revoked,
    shift_ended,
    shift_moved,
    waitlisted,
)

ALL: list[Event] = [
    *everything("p"),
    confirmed("p", promoted=True),
    held("p", promoted=True),
    waitlisted("p", until=NOW, waiting_policy="fill"),
    *[cancelled("p", code) for code in sorted(BY_TIME)],
    rejected("p", "session_closed"),
    rejected("p", "some_new_code"),
    cancelled("p", "cancelled_by_organiser"),
    cancelled("p", "session_cancelled"),
    cancelled("p", "member_left"),
    cancelled("p", "some_new_code"),
    moved("p", venue_before="市政府综合办公楼广场"),
    moved("p", starts_at_before=STARTS_AT),
    cancelled("p", "session_cancelled", reason="因大雨取消"),
    shift_moved("p", assigned=False),
    shift_moved("p", venue_before="市政府综合办公楼广场"),
    shift_moved("p", starts_at_before=STARTS_AT, ends_at_before=STARTS_AT + timedelta(hours=4)),
    *[
        shift_ended("p", code, reason="人手已够")
        for code in ("declined", "removed", "session_cancelled", "shift_cancelled", "some_new_code")
    ],
    reminded("p", reminder="hour_before"),
    reminded("p", reminder="thanks"),
    reminded("p", reminder="thanks", feedback="https://example.org/feedback"),
    completed("p", passed=False),
    regraded("p", code="question_cancelled", passed_before=True),
    regraded("p", code="points_changed"),
    regraded("p", code="question_taken_out", points_max=19, points_max_before=20),
    regraded("p", code="some_new_code", points=10, passed_before=True, passed=False),
    regraded("p", points=10, passed=False),
    disqualified("p", disqualified=False),
    disqualified("p", disqualified=False, result_ids=("a",)),
    disqualified("p", disqualified=False, result_ids=("a", "b")),
    decided("p", approved=True, group_id="school-1", reason=None),
    *[issued("p", kind=kind, tier=None) for kind in get_args(AwardKind)],
    issued("p", version=3),
    issued("p", version=3, tier=None),
    issued("p", version=2, tier_before="二等奖"),
    *[proposed("p", code=code) for code in (None, "not_earned", "disqualified", "objection")],
    proposed("p", tier=None),
    objected("p", selection_title=None),
    nominated("p", withdrawn=True),
    *[
        admitted("p", code=code)
        for code in ("not_eligible", "incomplete", "untrue", "other_field", "doubled")
    ],
    *[
        revoked("p", code=code)
        for code in ("not_earned", "disqualified", "drawn_again", "not_entitled", "some_later_code")
    ],
    revoked("p").model_copy(update={"superseded_by": "another"}),
]
