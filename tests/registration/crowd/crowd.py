"""
What the crowd does, and what must be true after it.

Each person has an address of their own. Many have a second device, which knows nothing of the first one:
another idempotency key, another copy, at about the same time. So one of the two gets a place and a token, and
the other one `contact_known`; it signs in by the code from the mail, and has a token too. A device without an
answer asks again with the same key, as every client does.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle
from typing import Any
from uuid import uuid4

from services.registration.participants.codes import ContactCodes
from shared.storage.mongo import Database
from tests.quiz import builders as of_quiz
from tests.registration.builders import activity, newcomer
from tests.registration.crowd.copies import Copy, running
from tests.registration.crowd.lines import Line, Lost
from tests.support.service import (
    CONTACT_PUBLIC_KEY,
    NO_KAFKA,
    ORGANISER,
    ORGANISER_KEY,
    TOKEN_PRIVATE_KEY,
    TOKEN_PUBLIC_KEY,
    bearer,
)
from tests.support.waiting import eventually

QUIZ = "contest"
PAUSE_SECONDS = 0.1
ASKING_SECONDS_MAX = 3_600.0
TRIES_MAX = 600
CODES = ContactCodes.from_private_key(TOKEN_PRIVATE_KEY)


@dataclass(frozen=True)
class Plan:
    """
    Args:
        twice: so many of the people ask twice.
        sign_ins: at most so many second devices sign in: requests from one address have a bound.
        kills: of the copies of registration in turn, while people ask for places.
        at_once: requests under way.
    """

    people: int
    twice: int
    sessions: int
    capacity: int
    waiting_max: int
    sign_ins: int
    kills: int
    at_once: int
    copies: int = 2


@dataclass
class Person:
    """
    Attributes:
        participants: whose ids this person's devices were told.
        tokens: what the devices have.
        attempts: of the contest, as the devices were told.
    """

    email: str
    participants: set[str] = field(default_factory=set)
    registrations: set[str] = field(default_factory=set)
    tokens: list[str] = field(default_factory=list)
    attempts: set[str] = field(default_factory=set)


@dataclass
class Report:
    """What happened: figures, and what is wrong."""

    answers: Counter[str] = field(default_factory=Counter)
    again: int = 0
    kills: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    stored: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


class Crowd:
    """The people, at copies of registration and at quiz."""

    def __init__(self, plan: Plan, registration: Sequence[Copy], quiz: Copy, *, seed: int) -> None:
        self.plan = plan
        self.report = Report()
        self.people = [Person(f"citizen-{number}@example.org") for number in range(plan.people)]
        self._registration = registration
        self._quiz = quiz
        self._random = random.Random(seed)  # noqa: S311 (no secret)
        self._left = {
            one.port: [Line(one.port) for _ in range(plan.at_once)] for one in (*registration, quiz)
        }
        self._sign_ins = plan.sign_ins

    async def prepare(self) -> None:
        """An activity with sessions, and a contest."""
        plan = self.plan
        body = activity("s0", plan.capacity, plan.waiting_max)
        [one] = body["sessions"]
        body["sessions"] = [one | {"session_id": f"s{number}"} for number in range(plan.sessions)]
        quiz = of_quiz.quiz().model_dump(mode="json")
        for copy, path, form in (
            (self._registration[0], "/activities/street", body),
            (self._quiz, f"/quizzes/{QUIZ}", quiz),
        ):
            status, answer = await self._ask([copy], "PUT", path, form, ORGANISER)
            assert status == 200, answer

    async def ask_for_places(self) -> None:
        """Every device asks once, while the copies are killed in turn."""
        wishes = [(person, number) for number, person in enumerate(self.people)]
        wishes += wishes[: self.plan.twice]
        self._random.shuffle(wishes)
        asking = self._together(self._ask_for_place(person, number) for person, number in wishes)
        killing = asyncio.create_task(self._kill_in_turn(len(wishes)))
        await self._timed("places", asking)
        await killing

    async def _kill_in_turn(self, requests: int) -> None:
        for kill, victim in zip(range(self.plan.kills), cycle(self._registration), strict=False):
            enough = requests * (kill + 1) // (self.plan.kills + 1)
            await eventually(self.report.answers.total, enough.__le__, seconds=ASKING_SECONDS_MAX)
            await victim.kill()
            self.report.kills += 1
            await victim.start()

    async def _ask_for_place(self, person: Person, number: int) -> None:
        session = f"s{self._random.randrange(self.plan.sessions)}"
        body = {"session_id": session, "places": 1, "participant": newcomer(email=person.email)}
        key = {"Idempotency-Key": str(uuid4())}
        status, answer = await self._ask(self._registration, "POST", "/registrations", body, key)
        # 200: the answer of before, to a request that was sent again.
        is_booked = status in (200, 201)
        self.report.answers[answer["status"] if is_booked else f"{status} {answer['code']}"] += 1
        if is_booked:
            person.participants.add(answer["participant_id"])
            person.registrations.add(answer["registration_id"])
            person.tokens.append(answer["token"])
        elif answer["code"] == "contact_known" and self._sign_ins and person.participants:
            self._sign_ins -= 1
            await self._sign_in(person)

    async def _sign_in(self, person: Person) -> None:
        copies = self._registration
        _, asked = await self._ask(copies, "POST", "/sign-ins", {"email": person.email}, {})
        # As the mail has it: the first round of the contact.
        code = {"code": CODES.code(person.email, 1, datetime.now(UTC))}
        path = f"/sign-ins/{asked['sign_in_id']}/confirmations"
        status, answer = await self._ask(copies, "POST", path, code, {})
        if status == 200:
            person.participants.add(answer["participant_id"])
            person.tokens.append(answer["token"])
        # Without an answer the code may be used up: then the person asks for another one later.
        self.report.answers[f"sign-in {status}"] += 1

    async def sit_the_contest(self) -> None:
        """Each device starts an attempt, twice at once."""
        starts = [self._start(person, token) for person in self.people for token in person.tokens * 2]
        self._random.shuffle(starts)
        await self._timed("contest", self._together(starts))

    async def _start(self, person: Person, token: str) -> None:
        path = f"/quizzes/{QUIZ}/attempts"
        status, answer = await self._ask([self._quiz], "POST", path, {}, bearer(token))
        self.report.answers[f"attempt {status}"] += 1
        if status == 201:
            person.attempts.add(answer["attempt_id"])

    async def _ask(
        self, copies: Sequence[Copy], method: str, path: str, body: dict[str, Any], headers: dict[str, str]
    ) -> tuple[int, dict[str, Any]]:
        """The answer of any copy; without one, and while the copies are overloaded, the same again."""
        first = self._random.randrange(len(copies))
        for number in range(TRIES_MAX):
            lines = self._left[copies[(first + number) % len(copies)].port]
            line = lines.pop()
            try:
                status, answer = await line.ask(method, path, body, headers)
            except Lost:
                status, answer = 503, {}
            finally:
                lines.append(line)
            if status != 503:
                return status, answer
            self.report.again += 1
            await asyncio.sleep(PAUSE_SECONDS)
        raise AssertionError(f"{method} {path} got no answer")

    async def _together(self, work: Iterable[Coroutine[Any, Any, None]]) -> None:
        """All of it, `at_once` at a time."""
        left = iter(work)

        async def one_by_one() -> None:
            for one in left:
                await one

        async with asyncio.TaskGroup() as group:
            for _ in range(self.plan.at_once):
                group.create_task(one_by_one())

    async def _timed(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        began = time.monotonic()
        await work
        self.report.seconds[name] = time.monotonic() - began

    def close(self) -> None:
        for lines in self._left.values():
            for line in lines:
                line.close()


async def check(crowd: Crowd, registration: Database, quiz: Database) -> None:
    """Compare what was acknowledged with what is stored, and both with the rules."""
    report, people = crowd.report, crowd.people
    expect = _expecting(report.wrong)
    participants = await registration["participants"].count_documents({})
    contacts = await registration["contacts"].count_documents({})
    expect(participants <= len(people), f"{participants} participants of {len(people)} people")
    expect(participants == contacts, f"{participants} participants have {contacts} contacts")
    twice = sum(len(one.participants) > 1 for one in people)
    expect(not twice, f"{twice} people are more than one participant")
    told = {id_ for one in people for id_ in one.registrations}
    stored = {one["_id"] async for one in registration["registrations"].find({}, {"_id": 1})}
    expect(told <= stored, f"{len(told - stored)} acknowledged registrations are not stored")
    for session in await registration["sessions"].find({}).to_list(None):
        id_, seats = session["_id"], Counter[str]()
        async for one in registration["registrations"].find({"session_id": id_}):
            seats[one["status"]] += one["places"]
        waiting = seats.pop("waitlisted", 0)
        taken = seats.total()
        expect(taken <= session["capacity"], f"{id_}: {taken} places taken of {session['capacity']}")
        expect(
            (taken, waiting) == (session["taken"], session["waiting"]),
            f"{id_} counts {session['taken']} taken and {session['waiting']} waiting, not {taken}, {waiting}",
        )
        report.stored["places"] = report.stored.get("places", 0) + taken
    attempts = Counter([one["participant_id"] async for one in quiz["attempts"].find({})])
    allowed = of_quiz.quiz().attempts_per_day
    more = sum(number > allowed for number in attempts.values())
    expect(not more, f"{more} participants have more than {allowed} attempts")
    more = sum(len(one.attempts) > allowed for one in people)
    expect(not more, f"{more} people have more than {allowed} attempts")
    report.stored |= {"participants": participants, "attempts": attempts.total()}


def _expecting(wrong: list[str]) -> Callable[[bool, str], None]:
    def expect(good: bool, words: str) -> None:
        if not good:
            wrong.append(words)

    return expect


@asynccontextmanager
async def crowd_of(plan: Plan, mongo: str, databases: tuple[str, str], *, seed: int) -> AsyncIterator[Crowd]:
    """A crowd before its copies, which run."""
    common = {
        "KEPU_MONGO": mongo,
        "KEPU_KAFKA": NO_KAFKA,
        "KEPU_ROLE": "api",
        "KEPU_ORGANISER_KEY": ORGANISER_KEY,
        "KEPU_TOKEN_PUBLIC_KEY": TOKEN_PUBLIC_KEY,
        "KEPU_LOG_LEVEL": "error",
    }
    own = {
        "KEPU_DATABASE": databases[0],
        "KEPU_TOKEN_PRIVATE_KEY": TOKEN_PRIVATE_KEY,
        "KEPU_CONTACT_PUBLIC_KEY": CONTACT_PUBLIC_KEY,
    }
    registration = [Copy("registration", common | own) for _ in range(plan.copies)]
    quiz = Copy("quiz", common | {"KEPU_DATABASE": databases[1], "KEPU_ATTEMPT_KEY": of_quiz.ATTEMPT_KEY})
    async with running([*registration, quiz]):
        crowd = Crowd(plan, registration, quiz, seed=seed)
        try:
            await crowd.prepare()
            yield crowd
        finally:
            crowd.close()


async def played(plan: Plan, mongo: str, databases: tuple[Database, Database], *, seed: int) -> Report:
    """The whole crowd, and the check of what is stored after it."""
    async with crowd_of(plan, mongo, (databases[0].name, databases[1].name), seed=seed) as crowd:
        await crowd.ask_for_places()
        await crowd.sit_the_contest()
    await check(crowd, *databases)
    return crowd.report
