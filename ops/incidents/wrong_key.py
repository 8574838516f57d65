"""An answer key that is wrong: most people who know the question choose what the key says is wrong."""

import asyncio
import random
from collections.abc import Callable
from typing import Any, TypeAlias
from uuid import uuid4

from ops.audit.papers import paper_of
from ops.demo.outsider import Outsider
from ops.demo.play import OPEN_DAY_SESSION
from ops.deployment.client import connected
from ops.deployment.ledger import LEDGER_FILE, Ledger
from ops.incidents.scene import Scene
from ops.week.load import put, quiz_piece

Json: TypeAlias = dict[str, Any]

# Each paper has a seventh of the questions, and a doubt needs more than a hundred answers.
PEOPLE = 1_000
# Half of them have learned, and the others guess. So those who choose what is really right are better in the
# rest, and some have the key's answer by chance.
LEARNED_SHARE = 0.5
KNOW_SHARE = 0.95


def publish_wrong_key(scene: Scene) -> str:
    """Publish a quiz of which one key is wrong, and let people sit it; returns the quiz's id."""
    quiz_id = f"{scene.week.quiz_id}-{uuid4().hex[:6]}"
    put(quiz_piece(quiz_id, with_wrong_key(scene.week.quiz)), scene.services.apis)
    deployment = scene.services.deployment
    outsider = Outsider(deployment.kafka, deployment.contact_public_key)
    published = outsider.published_quiz(quiz_id)
    people = [str(uuid4()) for _ in range(PEOPLE)]
    # Whoever is not registered anywhere is not graded.
    outsider.register(people, [OPEN_DAY_SESSION], ["华龙区"])
    outsider.sit_by(people, published, as_known(scene.week.quiz, published))
    outsider.flush()
    ledger = Ledger(scene.services.home / LEDGER_FILE)
    for topic, id_ in outsider.emitted.events:
        ledger.note("emitted", id_, topic)
    return quiz_id


def correct_key(scene: Scene, quiz_id: str) -> None:
    """What organisers do: they correct the key, and all results are graded again."""
    question, _ = _wrong(scene.week.quiz)

    async def correct() -> None:
        apis = scene.services.apis
        async with connected(apis, Ledger(scene.services.home / LEDGER_FILE)) as client:
            body = {"question_id": question["id"], "key": question["key"], "reason": "答案有误，予以更正"}
            url = f"{apis.quiz}/quizzes/{quiz_id}/corrections"
            await client.ask("POST", url, json=body, headers=apis.organiser)

    asyncio.run(correct())


def with_wrong_key(quiz: Json) -> Json:
    """The quiz with another key for one of its questions."""
    question, wrong = _wrong(quiz)
    questions = [{**one, "key": wrong} if one["id"] == question["id"] else one for one in quiz["questions"]]
    return {**quiz, "questions": questions}


def _wrong(quiz: Json) -> tuple[Json, str]:
    """The first question with one right option, and an option of it that is wrong."""
    question = next(one for one in quiz["questions"] if len(one["key"]) == 1)
    return question, next(one["id"] for one in question["options"] if one["id"] != question["key"])


def as_known(quiz: Json, published: Json, seed: int = 1) -> Callable[[str], dict[str, str]]:
    """The answers of people of whom some have learned, by the attempt's id."""
    keys = {question["id"]: question["key"] for question in quiz["questions"]}
    chance = random.Random(seed)  # noqa: S311 (simulated people)

    def answers(attempt_id: str) -> dict[str, str]:
        knows = KNOW_SHARE if chance.random() < LEARNED_SHARE else 0.0
        return {
            question["id"]: keys[question["id"]]
            if chance.random() < knows
            else chance.choice(question["options"])["id"]
            for question in paper_of(published, attempt_id)
        }

    return answers
