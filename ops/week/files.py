"""
A week as an organiser writes it: a folder of JSON files, loaded through the organisers' endpoints.

    activities.json   {"activities": [{"activity_id": …, … as PUT /activities/{id} takes it}]}
    groups.json       {"groups": [{"group_id": …, …}]}
    questions.json    {"questions": […]}
    quiz.json         {"quiz_id": …, "quiz": {… without the questions}}
    schemes.json      {"schemes": [{"scheme_id": …, …}]}

Loading again changes nothing. All times can be moved by whole days, to hold a past
week again.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import httpx

from ops.stack import StackError

Json: TypeAlias = dict[str, Any]
SAMPLE = Path(__file__).parents[2] / "sample" / "puyang-2023"
TIMEOUT_SECONDS = 60.0
REASON_CHARACTERS_MAX = 300
LOOK_SECONDS = 0.5
# The code of a failure without an answer.
UNREACHABLE = "unreachable"
CONTEST_DAYS = 8
# Where docker-compose.yml has them.
DOCKER_URLS = {
    "registration": "http://127.0.0.1:8001",
    "quiz": "http://127.0.0.1:8002",
    "awards": "http://127.0.0.1:8003",
}


@dataclass(frozen=True, slots=True)
class Week:
    """What happens, who is concerned, what is asked and what is awarded."""

    activities: list[Json]
    groups: list[Json]
    quiz_id: str
    quiz: Json
    schemes: list[Json]

    @property
    def is_over(self) -> bool:
        """Whether all sessions have ended. Not of a week written wrong: the services say what is wrong."""
        try:
            ends = [
                datetime.fromisoformat(session["ends_at"])
                for activity in self.activities
                for session in activity["sessions"]
            ]
            return bool(ends) and max(ends) < datetime.now(UTC)
        except (KeyError, TypeError, ValueError):
            return False

    @property
    def first_day(self) -> datetime:
        """When the first session begins."""
        return min(
            datetime.fromisoformat(session["starts_at"])
            for activity in self.activities
            for session in activity["sessions"]
        )


def read(folder: Path = SAMPLE) -> Week:
    """
    Read a week.

    Raises:
        StackError: a file is missing or is no JSON of the form above.
    """

    def load(name: str) -> Json:
        try:
            found: Json = json.loads((folder / name).read_text("utf-8"))
        except FileNotFoundError:
            raise StackError(f"{folder / name} is missing: a week has five files, see {__file__}") from None
        except json.JSONDecodeError as error:
            raise StackError(f"{folder / name} is no JSON: {error}") from None
        return found

    try:
        quiz = load("quiz.json")
        return Week(
            activities=load("activities.json")["activities"],
            groups=load("groups.json")["groups"],
            quiz_id=quiz["quiz_id"],
            quiz={**quiz["quiz"], "questions": load("questions.json")["questions"]},
            schemes=load("schemes.json")["schemes"],
        )
    except KeyError as missing:
        raise StackError(f"a file of {folder} has no {missing.args[0]!r}") from None


def moved(week: Week, days: int) -> Week:
    """The same week so many days later."""

    def move(value: Any, name: str = "") -> Any:
        match value:
            case dict():
                return {key: move(inner, key) for key, inner in value.items()}
            case list():
                return [move(inner) for inner in value]
            case str() if name.endswith("_at"):
                return (datetime.fromisoformat(value) + timedelta(days=days)).isoformat()
        return value

    return Week(move(week.activities), week.groups, week.quiz_id, move(week.quiz), week.schemes)


def from_tomorrow(week: Week, now: datetime) -> Week:
    """
    The same week with its first session tomorrow and its contest open from now on, to try things with.

    Raises:
        StackError: one of its times is missing or is none.
    """
    try:
        moved_week = moved(week, (now.date() - week.first_day.date()).days + 1)
    except (KeyError, TypeError, ValueError) as error:
        raise StackError(f"the week can't be moved: a time is missing or is none ({error})") from error
    opens_at, closes_at = now - timedelta(minutes=5), now + timedelta(days=CONTEST_DAYS)
    moved_week.quiz.update(opens_at=opens_at.isoformat(), closes_at=closes_at.isoformat())
    return moved_week


@dataclass(frozen=True, slots=True)
class Piece:
    """One body and where it is put. `name` says what it is: "activity opening"."""

    name: str
    service: str
    path: str
    body: Json


@dataclass(frozen=True, slots=True)
class Failure:
    """What could not be loaded, with the problem's code and its reason."""

    piece: str
    code: str
    reason: str


def pieces(week: Week) -> list[Piece]:
    """
    Everything of a week, in the order in which it is put: what is referred to comes first.

    Raises:
        StackError: something has no id.
    """
    return [
        *(_piece("group", "registration", "/groups", group) for group in week.groups),
        *(_piece("activity", "registration", "/activities", activity) for activity in week.activities),
        Piece(f"quiz {week.quiz_id}", "quiz", f"/quizzes/{week.quiz_id}", week.quiz),
        *(_piece("scheme", "awards", "/schemes", scheme) for scheme in week.schemes),
    ]


def load(
    all_pieces: Sequence[Piece],
    urls: Mapping[str, str],
    organiser_key: str,
    advance: Callable[[Piece], None] = lambda _: None,
    patience_seconds: float = 0.0,
) -> list[Failure]:
    """
    Put into the services what can be put. One piece that is refused keeps no other from being loaded.

    Args:
        urls: where registration, quiz and awards listen.
        advance: called after each piece.
        patience_seconds: how long a service may take until it answers at all, counted from now.
    Returns: what could not be loaded. A service that does not answer is waited for once.
    """
    patient_until = time.monotonic() + patience_seconds
    failures: list[Failure] = []
    silent: set[str] = set()
    with httpx.Client(headers={"X-Organiser-Key": organiser_key}, timeout=TIMEOUT_SECONDS) as client:
        for piece in all_pieces:
            if piece.service in silent:
                failures.append(Failure(piece.name, "not_tried", f"{piece.service} does not answer"))
            elif failure := _put(client, urls[piece.service], piece, patient_until):
                failures.append(failure)
                if failure.code == UNREACHABLE:
                    silent.add(piece.service)
            advance(piece)
    return failures


def put_quiz(url: str, organiser_key: str, quiz_id: str, quiz: Json) -> None:
    """
    Publish one quiz.

    Raises:
        StackError: it is refused; says why.
    """
    piece = Piece(f"quiz {quiz_id}", "quiz", f"/quizzes/{quiz_id}", quiz)
    for failure in load([piece], {"quiz": url}, organiser_key):
        raise StackError(f"{failure.piece} was not loaded ({failure.code}): {failure.reason}")


def _piece(kind: str, service: str, path: str, body: Json) -> Piece:
    id_name = f"{kind}_id"
    if not isinstance(body.get(id_name), str):
        raise StackError(f"a {kind} has no {id_name}: {json.dumps(body, ensure_ascii=False)[:80]} …")
    # "sample" marks what is invented, for readers of the file.
    content = {name: value for name, value in body.items() if name not in (id_name, "sample")}
    return Piece(f"{kind} {body[id_name]}", service, f"{path}/{body[id_name]}", content)


def _put(client: httpx.Client, url: str, piece: Piece, patient_until: float) -> Failure | None:
    while True:
        try:
            answer = client.put(url + piece.path, json=piece.body)
            break
        except httpx.TransportError as error:
            # Loading again changes nothing, so a request that may have arrived can be sent again.
            if time.monotonic() > patient_until:
                return Failure(piece.name, UNREACHABLE, f"{piece.service} at {url} does not answer: {error}")
            time.sleep(LOOK_SECONDS)
    if answer.is_success:
        return None
    try:
        problem = answer.json()
        return Failure(piece.name, str(problem["code"]), _reason(problem))
    except (ValueError, KeyError, TypeError):
        return Failure(piece.name, f"http_{answer.status_code}", answer.text[:REASON_CHARACTERS_MAX])


def _reason(problem: Json) -> str:
    """The problem's sentence, and each field that is wrong where it says so."""
    fields = problem.get("errors") or []
    return "; ".join([str(problem["detail"]), *(json.dumps(each, ensure_ascii=False) for each in fields)])
