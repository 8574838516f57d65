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
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import httpx

from ops.stack import StackError

Json: TypeAlias = dict[str, Any]
SAMPLE = Path(__file__).parent.parent / "sample" / "puyang-2023"
TIMEOUT_SECONDS = 60.0


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


def load(week: Week, urls: dict[str, str], organiser_key: str, tell: Callable[[str], None] = print) -> None:
    """
    Put a week into the services.

    Args:
        urls: where registration, quiz and awards listen.
    Raises:
        StackError: a service does not answer or refuses something; says what and why.
    """
    groups = [(f"/groups/{group['group_id']}", _without(group, "group_id")) for group in week.groups]
    activities = [
        (f"/activities/{activity['activity_id']}", _without(activity, "activity_id"))
        for activity in week.activities
    ]
    schemes = [(f"/schemes/{scheme['scheme_id']}", _without(scheme, "scheme_id")) for scheme in week.schemes]
    with httpx.Client(headers={"X-Organiser-Key": organiser_key}, timeout=TIMEOUT_SECONDS) as client:
        _put(client, urls["registration"], groups)
        _put(client, urls["registration"], activities)
        _put(client, urls["quiz"], [(f"/quizzes/{week.quiz_id}", week.quiz)])
        _put(client, urls["awards"], schemes)
    tell(
        f"{len(groups)} groups, {len(activities)} activities, {len(schemes)} schemes, "
        f"1 quiz with {len(week.quiz['questions'])} questions"
    )


def put_quiz(url: str, organiser_key: str, quiz_id: str, quiz: Json) -> None:
    """
    Publish one quiz.

    Raises:
        StackError: it is refused; says why.
    """
    with httpx.Client(headers={"X-Organiser-Key": organiser_key}, timeout=TIMEOUT_SECONDS) as client:
        _put(client, url, [(f"/quizzes/{quiz_id}", quiz)])


def _put(client: httpx.Client, url: str, bodies: list[tuple[str, Json]]) -> None:
    for path, body in bodies:
        try:
            answer = client.put(url + path, json=body)
        except httpx.TransportError as error:
            raise StackError(f"{url} does not answer ({error}): start the week first (kepu up)") from error
        if not answer.is_success:
            raise StackError(
                f"PUT {path} was refused with {answer.status_code}: {_reason(answer)}. "
                "What comes before it is loaded, what comes after it is not"
            )


def _reason(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return answer.text


def _without(body: Json, id_name: str) -> Json:
    # "sample" marks what is invented, for readers of the file.
    return {name: value for name, value in body.items() if name not in (id_name, "sample")}
