"""The quizzes as the audit knows them, and whether answers came in time by their rules."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any, TypeAlias
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from ops.audit.corrections import points_of_questions, right_letters
from ops.audit.log import Entry
from ops.audit.papers import paper_of
from shared.contracts.events import QuizAnswersSaved, QuizSubmitted

Json: TypeAlias = dict[str, Any]
# A submission may reach the log this long after deadline and grace: docs/decisions/0002-log-first-intake.md
LOG_DELAY_SECONDS_MAX = 15
SKEW_SECONDS = 60
Version: TypeAlias = tuple[str, int]


class Known:
    """
    The quizzes as stored and as published, with their papers and keys, each computed once.

    Args:
        quizzes: by id, as stored.
        definitions: with their keys, by quiz and version, as stored.
        published: from the events, by quiz and version.
    """

    def __init__(
        self,
        quizzes: Mapping[str, Json],
        definitions: Mapping[Version, Json],
        published: Mapping[Version, Json],
    ) -> None:
        self.quizzes = quizzes
        self.published = published
        self._definitions = definitions
        self._papers: dict[tuple[Version, int], tuple[list[Json], frozenset[str]]] = {}
        self._keys: dict[Version, dict[str, frozenset[str] | None]] = {}
        self._points: dict[Version, dict[str, Fraction]] = {}

    def version(self, quiz_id: str, named: int | None) -> Version | None:
        """The version to grade a submission by: the one it names, or the latest. None if that is unknown."""
        if quiz_id not in self.quizzes:
            return None
        version = quiz_id, named or self.quizzes[quiz_id]["version"]
        return version if version in self._definitions and version in self.published else None

    def paper(self, version: Version, attempt_id: str) -> tuple[list[Json], frozenset[str]]:
        """The questions of an attempt, and their ids."""
        rules = self.published[version]
        which = version, UUID(attempt_id).int % rules["papers"]
        if which not in self._papers:
            paper = paper_of(rules, attempt_id)
            self._papers[which] = paper, frozenset(question["id"] for question in paper)
        return self._papers[which]

    def keys(self, version: Version) -> dict[str, frozenset[str] | None]:
        """The right letters of every question, with all corrections; None: it is cancelled."""
        if version not in self._keys:
            quiz = self.quizzes[version[0]]
            present = self._definitions[version[0], quiz["version"]]
            self._keys[version] = right_letters(quiz, self._definitions[version], present)
        return self._keys[version]

    def points(self, version: Version) -> dict[str, Fraction]:
        """What every question is worth, with all corrections."""
        if version not in self._points:
            quiz = self.quizzes[version[0]]
            present = self.published[version[0], quiz["version"]]
            self._points[version] = points_of_questions(quiz, self.published[version], present)
        return self._points[version]


def counts(
    sent: QuizSubmitted | QuizAnswersSaved,
    sent_at: datetime,
    entry: Entry,
    known: Known,
    *,
    is_after: bool = False,
) -> bool:
    """True if answers may count. If `is_after`, they must come after everything that came in time."""
    version = known.version(sent.quiz_id, sent.quiz_version)
    if version is None:
        return False
    quiz, rules = known.quizzes[sent.quiz_id], known.published[version]
    day = sent.started_at.astimezone(ZoneInfo(rules["timezone"])).date().isoformat()
    mine = f"{sent.quiz_id}/{sent.participant_id}/{day}/{sent.number}"
    if (
        sent.attempt_id != str(uuid5(UUID(rules["attempt_ids"]), mine))
        or sent.number > rules["attempts_per_day"]
    ):
        return False
    _, on_paper = known.paper(version, sent.attempt_id)
    latest = min(sent.started_at + timedelta(seconds=rules["duration_seconds"]), quiz["closes_at"])
    latest += timedelta(seconds=rules["grace_seconds"])
    appended = datetime.fromtimestamp(entry.time_ms / 1000, UTC)
    opens_at = datetime.fromisoformat(rules["opens_at"])
    return (
        sent.answers.keys() <= on_paper
        and opens_at <= sent.started_at <= sent_at <= latest
        and sent_at <= appended + timedelta(seconds=SKEW_SECONDS)
        and (appended > latest + timedelta(seconds=LOG_DELAY_SECONDS_MAX)) == is_after
    )
