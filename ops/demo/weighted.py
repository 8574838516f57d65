"""
A quiz whose questions are worth different points, and people who answer them well, in part and wrongly.

It also ranks otherwise than the contest does, and shows scores at once.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from ops.demo.people import Person
from ops.deployment.client import Client

Json: TypeAlias = dict[str, Any]


def weighted(quiz: Json) -> Json:
    """
    The quiz with papers by topic and kind, other points, and costs of wrong answers.

    The last attempt is ranked, and an earlier finish decides ties.
    """
    left_out = [one["id"] for one in _alike(quiz)[1:]]
    lines = [
        {"topic": topic, "kind": kind, "count": 1}
        for topic in quiz["blueprint"]
        for kind in ("single", "multiple")
    ]
    rules = {"multiple_choice": "each_right", "wrong_costs": 0.5, "points": {"multiple": 2}}
    ranking = {"ties": "earlier_finish", "counts": "last", "attempts_per_day": 2, "shows_scores": "at_once"}
    questions = [one for one in quiz["questions"] if one["id"] not in left_out]
    return {**quiz, **rules, **ranking, "blueprint": {}, "lines": lines, "questions": questions}


def in_every_paper(quiz: Json) -> str:
    """The id of a question that every paper of the quiz has: it alone has its topic and kind."""
    return str(_alike(quiz)[0]["id"])


def _alike(quiz: Json) -> list[Json]:
    """The questions of several choices of the first topic; the first one alone stays in the quiz."""
    topic = next(iter(quiz["blueprint"]))
    return [one for one in quiz["questions"] if (one["topic"], one["kind"]) == (topic, "multiple")]


async def sit_weighted(
    client: Client, quiz_id: str, people: Sequence[Person], keys: Mapping[str, str]
) -> list[str]:
    """
    Start and submit at once. A kill in between may make somebody late.

    Returns: the ids of the attempts.
    """
    ids: list[str] = []
    for nth, person in enumerate(people):
        url = f"{client.apis.quiz}/quizzes/{quiz_id}/attempts"
        attempt = await client.ask("POST", url, headers=person.headers)
        ids.append(attempt["attempt_id"])
        answers = {
            question["id"]: _answer(keys[question["id"]], (nth + place) % 4)
            for place, question in enumerate(attempt["questions"])
        }
        url = f"{client.apis.quiz}/attempts/{attempt['attempt_id']}/submission"
        bearer = {"Authorization": f"Bearer {attempt['attempt_token']}"}
        receipt = await client.ask_for(
            "POST", url, ["attempt_late"], json={"answers": answers}, headers=bearer
        )
        if not isinstance(receipt, str):
            client.ledger.note("submitted", receipt["receipt_id"], attempt["attempt_id"])
    return ids


def _answer(key: str, how: int) -> str:
    """All right letters, one of them, one too many or a wrong one."""
    wrong = next(letter for letter in "ABCDEFGH" if letter not in key)
    return (key, key[0], "".join(sorted(key + wrong)), wrong)[how]
