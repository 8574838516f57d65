"""People who go on taking part while an incident is played. They try again until they get an answer."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

from ops.demo.mails import Mails, confirm
from ops.demo.people import Person
from ops.demo.play import OPEN_DAY_SESSION, registration_of
from ops.deployment.client import Client, UnexpectedAnswer
from ops.week.files import Week

# New people. Fewer than a city has, enough for every signal to move.
PER_SECOND = 1.0
UNDER_WAY_MAX = 300
RIGHT_SHARE = 0.6


@dataclass(slots=True)
class Visitors:
    """
    Registers people, verifies their contacts and lets them sit the contest, at a steady rate.

    Attributes:
        done: how many have got all that they came for.
        gave_up: how many got no answer for too long.
    """

    week: Week
    client: Client
    mails: Mails
    done: int = 0
    gave_up: int = 0
    _number: int = 0
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)

    @asynccontextmanager
    async def coming(self) -> AsyncIterator[None]:
        """People come during the block. At its end those under way are waited for."""
        arriving = asyncio.create_task(self._arrive())
        try:
            yield
            arriving.cancel()
            await asyncio.gather(*self._under_way)
        finally:
            arriving.cancel()
            for task in self._under_way:
                task.cancel()

    async def _arrive(self) -> None:
        while True:
            if len(self._under_way) < UNDER_WAY_MAX:
                self._number += 1
                task = asyncio.create_task(self._take_part(self._number))
                self._under_way.add(task)
                task.add_done_callback(self._under_way.discard)
            await asyncio.sleep(1 / PER_SECOND)

    async def _take_part(self, number: int) -> None:
        try:
            person = await self.register(number)
            await self.sit(person)
            self.done += 1
        except UnexpectedAnswer:
            self.gave_up += 1

    async def register(self, number: int) -> Person:
        """Somebody new asks for a place, and verifies the contact."""
        person = Person(
            number, RIGHT_SHARE, "华龙区", "youth", "zh-CN", f"访客{number:05d}", session_id=OPEN_DAY_SESSION
        )
        url, key = f"{self.client.apis.registration}/registrations", {"Idempotency-Key": str(uuid4())}
        answer = await self.client.ask("POST", url, json=registration_of(person), headers=key)
        person.participant_id, person.token = answer["participant_id"], answer["token"]
        person.registration_id, person.status = answer["registration_id"], answer["status"]
        self.client.ledger.note("registered", person.registration_id, person.status)
        await confirm(self.client, self.mails, person)
        return person

    async def sit(self, person: Person) -> None:
        """Sit the contest once."""
        chance = random.Random(person.number)  # noqa: S311 (simulated people)
        keys = {question["id"]: question["key"] for question in self.week.quiz["questions"]}
        url = f"{self.client.apis.quiz}/quizzes/{self.week.quiz_id}/attempts"
        attempt = await self.client.ask("POST", url, headers=person.headers)
        answers = {
            question["id"]: keys[question["id"]]
            if chance.random() < RIGHT_SHARE
            else str(chance.choice(question["options"])["id"])
            for question in attempt["questions"]
        }
        receipt = await self.client.ask(
            "POST",
            f"{self.client.apis.quiz}/attempts/{attempt['attempt_id']}/submission",
            json={"answers": answers},
            headers={"Authorization": f"Bearer {attempt['attempt_token']}"},
        )
        self.client.ledger.note("submitted", receipt["receipt_id"], attempt["attempt_id"])
