"""
Load a week into a deployment through the organisers' endpoints.

Loading a week again changes nothing: each piece is put (HTTP PUT) under its own id.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import httpx

from ops.deployment.description import Apis
from ops.errors import CommandError
from ops.week.files import Week, WeekError

Json: TypeAlias = dict[str, Any]
TIMEOUT_SECONDS = 60.0
REASON_CHARACTERS_MAX = 300
LOOK_SECONDS = 0.5
# A service hears of a quiz by an event. So a scheme may be refused for a while after its quiz was published.
HEARS_SECONDS_MAX = 60.0
NOT_YET_HEARD = "quiz_unknown"
# The code of a failure without an answer.
UNREACHABLE = "unreachable"


class NotLoaded(CommandError):
    """A service refused a piece that it must accept."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One body, and the service and path that it is put to. `name` is for people: "activity opening"."""

    name: str
    service: str
    path: str
    body: Json


@dataclass(frozen=True, slots=True)
class Failure:
    """A piece that could not be loaded, with the problem's code and reason."""

    piece: str
    code: str
    reason: str


def pieces(week: Week) -> list[Piece]:
    """
    All pieces of a week. A piece comes after those that it refers to.

    Raises:
        WeekError: something has no id.
    """
    return [
        *(_piece("group", "registration", "/groups", group) for group in week.groups),
        *(_piece("activity", "registration", "/activities", activity) for activity in week.activities),
        quiz_piece(week.quiz_id, week.quiz),
        *(_piece("scheme", "awards", "/schemes", scheme) for scheme in week.schemes),
    ]


def load(
    all_pieces: Sequence[Piece],
    apis: Apis,
    advance: Callable[[Piece], None] = lambda _: None,
    wait_seconds_max: float = 0.0,
) -> list[Failure]:
    """
    Put every piece into its service. After a refusal the other pieces are still loaded.

    Args:
        advance: called after each piece.
        wait_seconds_max: how long to wait, from now on, for services that do not answer yet.
    Returns: the pieces that could not be loaded. After a service did not answer, its other pieces are not
        tried.
    """
    patient_until = time.monotonic() + wait_seconds_max
    failures: list[Failure] = []
    silent: set[str] = set()
    heard_until = 0.0
    with httpx.Client(headers=apis.organiser, timeout=TIMEOUT_SECONDS) as client:
        for piece in all_pieces:
            if piece.service in silent:
                failures.append(Failure(piece.name, "not_tried", f"{piece.service} does not answer"))
            elif failure := _put_when_heard(
                client, apis.url(piece.service), piece, patient_until, heard_until
            ):
                failures.append(failure)
                if failure.code == UNREACHABLE:
                    silent.add(piece.service)
            elif piece.service == "quiz":
                heard_until = time.monotonic() + HEARS_SECONDS_MAX
            advance(piece)
    return failures


def load_whole(week: Week, apis: Apis) -> None:
    """
    Load a week of which everything must be accepted.

    Raises:
        NotLoaded: a service refuses something; the message says why.
    """
    if failures := load(pieces(week), apis):
        raise NotLoaded(f"the sample week was not loaded: {failures}")


def put(piece: Piece, apis: Apis) -> None:
    """
    Put one piece that must be accepted.

    Raises:
        NotLoaded: it is refused; the message says why.
    """
    for failure in load([piece], apis):
        raise NotLoaded(f"{failure.piece} was not loaded ({failure.code}): {failure.reason}")


def quiz_piece(quiz_id: str, quiz: Json) -> Piece:
    """The piece that publishes a quiz."""
    return Piece(f"quiz {quiz_id}", "quiz", f"/quizzes/{quiz_id}", quiz)


def _piece(kind: str, service: str, path: str, body: Json) -> Piece:
    id_name = f"{kind}_id"
    if not isinstance(body.get(id_name), str):
        raise WeekError(
            f"a {kind} has no {id_name}, give it one: {json.dumps(body, ensure_ascii=False)[:80]} …"
        )
    # "sample" marks invented things for readers of the file; the services do not know the field.
    content = {name: value for name, value in body.items() if name not in (id_name, "sample")}
    return Piece(f"{kind} {body[id_name]}", service, f"{path}/{body[id_name]}", content)


def _put_when_heard(
    client: httpx.Client, url: str, piece: Piece, patient_until: float, heard_until: float
) -> Failure | None:
    while failure := _put(client, url, piece, patient_until):
        if failure.code != NOT_YET_HEARD or time.monotonic() > heard_until:
            return failure
        time.sleep(LOOK_SECONDS)
    return None


def _put(client: httpx.Client, url: str, piece: Piece, patient_until: float) -> Failure | None:
    while True:
        try:
            answer = client.put(url + piece.path, json=piece.body)
            break
        except httpx.TransportError as error:
            # The request may have arrived. Sending it again changes nothing.
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
    """The problem's sentence, and the wrong fields if the answer names them."""
    fields = problem.get("errors") or []
    return "; ".join([str(problem["detail"]), *(json.dumps(each, ensure_ascii=False) for each in fields)])
