"""Quizzes beside the contest: one is a draft first and cancelled later, one is removed, one stays a draft."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from ops.demo.people import ERASED, Person
from ops.deployment.client import Client, UnexpectedAnswer
from ops.week.files import Week

Json: TypeAlias = dict[str, Any]
TAKE_PART = 3
TOLD_SECONDS_MAX = 90.0
LOOK_SECONDS = 0.5
REASON = {"code": "leaked_questions", "text": "因试题泄露取消，敬请谅解"}


def cancelled_quiz_id(week: Week) -> str:
    """The id of the quiz that is cancelled while people take part."""
    return f"{week.quiz_id}-rehearsal"


async def live(client: Client, week: Week, people: Sequence[Person]) -> None:
    """
    Let an organiser publish a draft, extend and cancel the quiz, and remove another one.

    Each request may be repeated after a kill. So what a repeat is refused with is accepted.

    Raises:
        UnexpectedAnswer: a service answered what it must not.
    """
    quiz: Json = {**week.quiz, "title": "彩排"}
    await _publish_draft(client, cancelled_quiz_id(week), quiz)
    url = f"{client.apis.quiz}/quizzes/{cancelled_quiz_id(week)}"
    later = datetime.fromisoformat(quiz["closes_at"]) + timedelta(hours=1)
    by = {"headers": client.apis.organiser}
    for person in [one for one in people if one.status != ERASED][-TAKE_PART:]:
        await client.ask("POST", f"{url}/attempts", headers=person.headers)
    await client.ask("POST", f"{url}/extend", json={"closes_at": later.isoformat()}, **by)
    await client.ask("POST", f"{url}/wording", json={"title": "彩排赛"}, **by)
    await client.ask("POST", f"{url}/cancel", json=REASON, **by)
    await client.refused("POST", f"{url}/attempts", "quiz_cancelled", headers=people[0].headers)

    removed = f"{client.apis.quiz}/quizzes/{week.quiz_id}-mistake"
    await client.ask_for("PUT", removed, ["quiz_changed"], json={**quiz, "title": "误发"}, **by)
    await client.ask_for("DELETE", removed, ["quiz_unknown"], **by)
    draft = f"{client.apis.quiz}/quizzes/{week.quiz_id}-next-year/draft"
    await client.ask("PUT", draft, json={**quiz, "title": "明年的竞赛"}, **by)


async def _publish_draft(client: Client, quiz_id: str, quiz: Json) -> None:
    url, by = f"{client.apis.quiz}/quizzes/{quiz_id}", {"headers": client.apis.organiser}
    await client.ask_for("PUT", f"{url}/draft", ["quiz_published"], json=quiz, **by)
    trial = await client.ask("GET", f"{url}/trial", **by)
    keys = {question["id"]: question["key"] for question in quiz["questions"]}
    answers = {question["id"]: keys[question["id"]] for question in trial["questions"]}
    tried = await client.ask("POST", f"{url}/trial", json={"paper": 0, "answers": answers}, **by)
    if tried["points"] != tried["points_max"]:
        raise UnexpectedAnswer(f"a trial with all right answers has {tried['points']} points")
    await client.ask_for("POST", f"{url}/draft/publish", ["draft_unknown", "quiz_changed"], **by)


async def wait_until_told(client: Client, week: Week) -> None:
    """
    Wait until everybody who took part in the cancelled quiz was told.

    Raises:
        UnexpectedAnswer: it takes too long.
    """
    url = f"{client.apis.quiz}/quizzes/{cancelled_quiz_id(week)}/cancellation"
    deadline = asyncio.get_running_loop().time() + TOLD_SECONDS_MAX
    while not (await client.ask("GET", url, headers=client.apis.organiser))["finished"]:
        if asyncio.get_running_loop().time() > deadline:
            raise UnexpectedAnswer(f"{url} is not finished after {TOLD_SECONDS_MAX:.0f} s")
        await asyncio.sleep(LOOK_SECONDS)
