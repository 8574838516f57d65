"""
What people take part in during chaos: small sessions with waiting lists, a large hall, a quiz, a certificate,
and a plaque that an organiser confers.

Everything is computed from the number of people who will come. Names and ids are made up.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from ops.week import load
from ops.week.files import Week
from ops.week.load import Piece

Json: TypeAlias = dict[str, Any]

QUIZ_ID, SCHEME_ID, PLAQUE_ID, HALL = "chaos", "chaos-certificate", "chaos-plaque", "chaos-hall"
HALL_CAPACITY = 20_000
# So many people in a row want the same small session; not all of them get a place or can wait.
LAB_PEOPLE, LAB_CAPACITY, LAB_WAITING = 24, 8, 8
LABS_OF_ACTIVITY = 50
PASS_PERCENT = 50
STARTS_IN_DAYS = 3


def lab_of(number: int) -> str:
    """The small session that the person with this number wants."""
    return f"chaos-lab-{number // LAB_PEOPLE}"


def session_of_command(number: int) -> str:
    """
    The session that another system wants with this number: the hall, or each other small one.

    In the rest people alone hold places, so what they were told says whether a session ever had too many.
    """
    is_for_people = number // LAB_PEOPLE % 2
    return HALL if number % 3 or is_for_people else lab_of(number)


def pieces_of(week: Week, people: int, now: datetime | None = None) -> list[Piece]:
    """The pieces to load, those of the services' week that chaos needs, for so many people."""
    now = now or datetime.now(UTC)
    quiz = {
        **week.quiz,
        "title": "混沌中的竞赛",
        "shows_scores": "at_once",
        "least_plausible_seconds": None,
        "pass_percent": PASS_PERCENT,
        "opens_at": (now - timedelta(hours=2)).isoformat(),
        "closes_at": (now + timedelta(days=1)).isoformat(),
    }
    scheme = {
        "title": "合格证书",
        "kind": "certificate",
        "rule": {"type": "pass_mark", "quiz_id": QUIZ_ID, "score_percent": PASS_PERCENT},
    }
    plaque = {"title": "热心科普", "kind": "plaque", "rule": {"type": "conferred"}}
    return [
        *_activities(people // LAB_PEOPLE + 1, now),
        load.quiz_piece(QUIZ_ID, quiz),
        Piece("the certificate", "awards", f"/schemes/{SCHEME_ID}", scheme),
        Piece("the plaque", "awards", f"/schemes/{PLAQUE_ID}", plaque),
    ]


def _activities(labs: int, now: datetime) -> Iterator[Piece]:
    sessions = [_session(HALL, HALL_CAPACITY, now)]
    sessions += [_session(lab_of(n * LAB_PEOPLE), LAB_CAPACITY, now, LAB_WAITING) for n in range(labs)]
    for at in range(0, len(sessions), LABS_OF_ACTIVITY):
        activity = {
            "title": "开放实验室",
            "organiser": "濮阳市科学技术局",
            "kind": "open_day",
            "sessions": sessions[at : at + LABS_OF_ACTIVITY],
        }
        yield Piece(f"activity {at}", "registration", f"/activities/chaos-{at}", activity)


def _session(id_: str, capacity: int, now: datetime, waiting_max: int | None = None) -> Json:
    starts_at = now + timedelta(days=STARTS_IN_DAYS)
    session: Json = {
        "session_id": id_,
        "starts_at": starts_at.isoformat(),
        "ends_at": (starts_at + timedelta(hours=2)).isoformat(),
        "venue": "濮阳市科技馆",
        "district": "华龙区",
        "capacity": capacity,
    }
    return session if waiting_max is None else {**session, "waiting_max": waiting_max}
