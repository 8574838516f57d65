"""
What must be true afterwards, computed from the log's submissions, the definition and the corrections.

The services' code is not used: the rules are those of contest.py, written from the documents.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime

from ops.audit.log import Entry, Log
from tests.quiz.regrading.crowd.contest import Json, Rules
from tests.quiz.regrading.crowd.crowd import LATE, NEVER, Played
from tests.quiz.regrading.crowd.sender import profile_of

CORRECTIONS = 2


@dataclass(frozen=True)
class Attempt:
    """
    An attempt as the log has it.

    Attributes:
        half_points: by the keys after no, one and two corrections.
        order: likewise.
    """

    attempt_id: str
    participant_id: str
    seconds: int
    appended_at: datetime
    submission_id: str
    half_points: tuple[int, ...]
    order: tuple[int, ...]


class Expected:
    """What follows from the log's submissions, and what the log has of it."""

    def __init__(self, played: Played, log: Log) -> None:
        self.played, self.log, self.rules = played, log, played.rules
        self.attempts = {one.attempt_id: one for one in _attempts(log, played.rules)}
        self.profiles: dict[str, tuple[str | None, str | None]] = {
            who: profile_of(place) if place % 100 < NEVER else (None, None)
            for place, who in enumerate(played.people)
        }
        places = {who: place for place, who in enumerate(played.people)}
        # Those whose profile came late or never: they were graded later than they submitted.
        self.waited = {who for who, place in places.items() if place % 100 >= LATE}
        self.without = {who for who, place in places.items() if place % 100 >= NEVER}
        self.completed = {one.body["result_id"]: one for one in log.events("quiz.completed")}
        self.regraded: dict[str, list[Json]] = defaultdict(list)
        for entry in log.events("quiz.regraded"):
            self.regraded[entry.body["result_id"]].append(entry.body)

    def best(self, corrections: int) -> dict[str, int]:
        """By participant the order of the best result."""
        found: dict[str, int] = {}
        for one in self.attempts.values():
            who = one.participant_id
            found[who] = max(found.get(who, 0), one.order[corrections])
        return found


def _attempts(log: Log, rules: Rules) -> list[Attempt]:
    """The first submission of each attempt counts."""
    found: dict[str, Attempt] = {}
    for entry in sorted(log.records("quiz.submitted"), key=lambda one: (one.partition, one.offset)):
        body = entry.body
        id_ = body["attempt_id"]
        if id_ in found:
            continue
        begun, ended = (datetime.fromisoformat(body[name]) for name in ("started_at", "submitted_at"))
        seconds = int((ended - begun).total_seconds())
        points = tuple(rules.half_points(id_, body["answers"], number) for number in range(CORRECTIONS + 1))
        orders = tuple(rules.order(one, seconds, ended) for one in points)
        who = body["participant_id"]
        found[id_] = Attempt(id_, who, seconds, moment_of(entry), entry.id, points, orders)
    return list(found.values())


def moment_of(entry: Entry) -> datetime:
    return datetime.fromtimestamp(entry.time_ms / 1_000, UTC)
