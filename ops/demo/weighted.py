"""A quiz whose questions are worth different points, and people who answer them well, in part and wrongly."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from ops.demo.people import Person
from ops.deployment.client import Client

Json: TypeAlias = dict[str, Any]


def weighted(quiz: Json) -> Json:
    """The quiz with papers by topic and kind, other points, and costs of wrong answers."""
    lines = [
        {"topic": topic, "kind": kind, "count": 1}
        for topic in quiz["blueprint"]
        for kind in ("single", "multiple")
    ]
    rules = {"multiple_choice": "each_right", "wrong_costs": 0.5, "points": {"multiple": 2}}
    return {**quiz, **rules, "blueprint": {}, "lines": lines}


async def sit_weighted(
    client: Client, quiz_id: str, people: Sequence[Person], keys: Mapping[str, str]
) -> None:
    """Start and submit at once. A kill in between may make somebody late."""
    for nth, person in enumerate(people):
        url = f"{client.apis.quiz}/quizzes/{quiz_id}/attempts"
        attempt = await client.ask("POST", url, headers=person.headers)
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


def _answer(key: str, how: int) -> str:
    """All right letters, one of them, one too many or a wrong one."""
    wrong = next(letter for letter in "ABCDEFGH" if letter not in key)
    return (key, key[0], "".join(sorted(key + wrong)), wrong)[how]
