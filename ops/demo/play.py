"""
A week played by simulated people over HTTP, with every kind of outcome among them.

People repeat a request until it is acknowledged, as real clients do. Acknowledgements go into the ledger. The
number of people, the number of requests in progress and the time are limited.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from uuid import uuid4

from ops.demo.doubles import DOUBLES, merge_doubles
from ops.demo.jury import correct_points, disqualify, reinstate, wait_for_a_result
from ops.demo.leaving import leave, leavers, try_after_leaving
from ops.demo.lives import live
from ops.demo.mails import Mails, confirm
from ops.demo.names import choose_names
from ops.demo.people import ERASED, Person
from ops.demo.refusals import try_late, try_what_is_refused
from ops.demo.rotas import VOLUNTEERS, staff
from ops.demo.weighted import in_every_paper, sit_weighted, weighted
from ops.deployment.client import UNDER_WAY_MAX, Client, UnexpectedAnswer
from ops.week.files import Week

Json: TypeAlias = dict[str, Any]

LATE_PEOPLE = 10
LATE_DURATION_SECONDS = 10
CORRECTED_POINTS = 3
CANCEL_SHARE = 0.04
# Higher if others wait for the place, so that some of them are promoted.
CANCEL_SCARCE_SHARE = 0.3
SCARCE_SHARE = 0.2
OPEN_DAY_SESSION = "open-day-now"
OPEN_DAY_SHARE = 0.2
OPEN_DAY_HOURS = 6
OPEN_DAY_CAPACITY = 20_000
# Of those at the open day, the only session that takes check-ins during the demo.
CHECK_IN_SHARE = 0.4
# Of those who sit the quiz; and of those, the ones who never submit. So many that a small week has some too.
SAVE_SHARE, SILENT_SHARE = 0.4, 0.4
REPEAT_SHARE = 0.02
# Two people give the same answers; of five questions so many are wrong.
COPIED_WRONG_OF_FIVE = 3
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平"
AUDIENCES = ("youth", "farmers", "workers", "elderly", "officials", "other")


Advance: TypeAlias = Callable[[str, int], None]
"""Called with a stage and the number of people who have just completed it."""


@dataclass(slots=True)
class Play:
    """One week with its people."""

    week: Week
    client: Client
    mails: Mails
    people: int
    advance: Advance
    seed: int = 0
    _keys: dict[str, str] = field(default_factory=dict)
    _late_at: float = 0.0
    _copyists: set[int] = field(default_factory=set)
    _copied_from: str = ""

    async def run(self) -> list[Person]:
        """
        Let everybody register, verify the contact, take the quiz, cancel, check in and leave.

        Returns: the people.
        Raises:
            UnexpectedAnswer: a service answered what it must not, or not at all for too long.
        """
        chance = random.Random(self.seed)  # noqa: S311 (simulated people)
        people = [self._person(number, chance) for number in range(self.people)]
        self._keys = {question["id"]: question["key"] for question in self.week.quiz["questions"]}
        await self._each(people, "register", lambda person: self._register(person, chance))
        await self._each(people, "confirm", lambda person: confirm(self.client, self.mails, person))
        late = [await self._start(person, late_quiz_id(self.week)) for person in people[:LATE_PEOPLE]]
        # The time counts from the last start: a kill may have delayed it.
        self._late_at = time.monotonic() + LATE_DURATION_SECONDS + 1
        in_time = people[LATE_PEOPLE + DOUBLES : 2 * LATE_PEOPLE]
        await self._warm_up(in_time)
        early, late_leavers = leavers(people, after=2 * LATE_PEOPLE)
        await self._staff(people[LATE_PEOPLE + DOUBLES :])
        # The first of the early leavers, too: nothing of the choice is left.
        await choose_names(self.client, [*in_time[3:7], *early[:1]])
        for person in early:
            await leave(self.client, person)
        await merge_doubles(self.client, people[LATE_PEOPLE : LATE_PEOPLE + DOUBLES], OPEN_DAY_SESSION)
        leaving = {person.number for person in (*early, *late_leavers)}
        staying = [one for one in people[LATE_PEOPLE + DOUBLES :] if one.number not in leaving]
        await self._pick_copyists([one for one in staying if one.status != ERASED])
        await self._each(people, "sit", lambda person: self._sit(person, chance))
        await disqualify(self.client, self.week.quiz_id, in_time[2])
        await sit_weighted(self.client, late_quiz_id(self.week), in_time[1:3], self._keys)
        await live(self.client, self.week, people)
        await self._each(people, "visit", lambda person: self._visit(person, chance))
        for person in late_leavers:
            await leave(self.client, person)
        await try_after_leaving(self.client, self.week.quiz_id, [*early, *late_leavers])
        unfinished = await self._start(people[LATE_PEOPLE], late_quiz_id(self.week))
        await try_what_is_refused(self.client, self.week.quiz_id, people, unfinished)
        await asyncio.sleep(max(0.0, self._late_at - time.monotonic()))
        await try_late(self.client, late)
        return people

    async def _warm_up(self, people: Sequence[Person]) -> None:
        """Sit the short quiz; the jury then corrects points, and decides whose attempts count."""
        quiz_id = late_quiz_id(self.week)
        attempts = await sit_weighted(self.client, quiz_id, people, self._keys)
        await wait_for_a_result(self.client, people[0], attempts[0])
        await correct_points(self.client, quiz_id, in_every_paper(self.week.quiz), CORRECTED_POINTS)
        await disqualify(self.client, quiz_id, people[0])
        await reinstate(self.client, quiz_id, people[0])
        await disqualify(self.client, quiz_id, people[1], attempts[1])

    def _person(self, number: int, chance: random.Random) -> Person:
        return Person(
            number=number,
            skill=min(0.92, max(0.1, chance.gauss(0.6, 0.15))),
            district=chance.choice(self._districts()),
            audience=chance.choice(AUDIENCES),
            language="en" if chance.random() < 0.05 else "zh-CN",
            name=chance.choice(SURNAMES) + chance.choice(GIVEN),
        )

    def _districts(self) -> list[str]:
        return sorted({group["district"] for group in self.week.groups if group.get("district")})

    def _choose(self, chance: random.Random) -> str:
        """A session for somebody: often the scarcest, often the open day that is on now, else any."""
        sessions = [str(session["session_id"]) for of in self.week.activities for session in of["sessions"]]
        wish = chance.random()
        if wish < SCARCE_SHARE:
            return self._scarcest()
        return OPEN_DAY_SESSION if wish < SCARCE_SHARE + OPEN_DAY_SHARE else chance.choice(sessions)

    def _scarcest(self) -> str:
        sessions = [session for of in self.week.activities for session in of["sessions"]]
        return str(min(sessions, key=lambda session: int(session["capacity"]))["session_id"])

    async def _register(self, person: Person, chance: random.Random) -> None:
        person.session_id = self._choose(chance)
        url, key = f"{self.client.apis.registration}/registrations", {"Idempotency-Key": str(uuid4())}
        body = registration_of(person)
        answer = await self.client.ask_for("POST", url, ["session_full"], json=body, headers=key)
        if isinstance(answer, str):
            # Refusals are not stored, so the same key can be used for a session with room for all.
            person.session_id = OPEN_DAY_SESSION
            body = registration_of(person)
            answer = await self.client.ask("POST", url, json=body, headers=key)
        person.participant_id, person.token = answer["participant_id"], answer["token"]
        person.registration_id, person.status = answer["registration_id"], answer["status"]
        person.ticket_code = answer.get("ticket_code") or ""
        self.client.ledger.note("registered", person.registration_id, person.status)
        if chance.random() < REPEAT_SHARE:
            again = await self.client.ask("POST", url, json=body, headers=key)
            if again["registration_id"] != person.registration_id:
                raise UnexpectedAnswer(
                    f"POST {url} made a second registration of a repeated request: {again['registration_id']}"
                )

    async def _staff(self, people: Sequence[Person]) -> None:
        """The rotas of a session that moves, and of one that is cancelled later."""
        for number, session in enumerate(rescheduled(self.week)):
            some = people[number * VOLUNTEERS : (number + 1) * VOLUNTEERS]
            await staff(self.client, session, some, stays=number == 0)

    async def _start(self, person: Person, quiz_id: str) -> Json:
        return await self.client.ask(
            "POST", f"{self.client.apis.quiz}/quizzes/{quiz_id}/attempts", headers=person.headers
        )

    async def _sit(self, person: Person, chance: random.Random) -> None:
        if person.status == ERASED:
            return
        attempt = await self._start(person, self.week.quiz_id)
        answers = {
            question["id"]: self._answer(person, question, chance) for question in attempt["questions"]
        }
        if person.number in self._copyists:
            answers = self._copy(attempt)
        url = f"{self.client.apis.quiz}/attempts/{attempt['attempt_id']}/submission"
        bearer = {"Authorization": f"Bearer {attempt['attempt_token']}"}
        if chance.random() < SAVE_SHARE:
            await self._save(attempt["attempt_id"], answers, bearer)
            if chance.random() < SILENT_SHARE and person.number not in self._copyists:
                # Nothing more is heard of this person.
                return
        receipt = await self.client.ask("POST", url, json={"answers": answers}, headers=bearer)
        self.client.ledger.note("submitted", receipt["receipt_id"], attempt["attempt_id"])
        if chance.random() < REPEAT_SHARE:
            again = await self.client.ask_for(
                "POST", url, ["attempt_submitted"], json={"answers": {}}, headers=bearer
            )
            # A process that was started again since does not know the first submission.
            if not isinstance(again, str):
                self.client.ledger.note("submitted", again["receipt_id"], attempt["attempt_id"])

    async def _pick_copyists(self, people: Sequence[Person]) -> None:
        """Two people with the same paper: they will give the same wrong answers."""
        papers: dict[tuple[str, ...], Person] = {}
        for person in people:
            attempt = await self._start(person, self.week.quiz_id)
            other = papers.setdefault(tuple(question["id"] for question in attempt["questions"]), person)
            if other is not person:
                self._copyists = {other.number, person.number}
                return

    def _copy(self, attempt: Json) -> Json:
        """What both copyists answer: more than half of it is wrong."""
        if self._copied_from:
            self.client.ledger.note("copied", attempt["attempt_id"], self._copied_from)
        self._copied_from = attempt["attempt_id"]
        answers = {}
        for number, question in enumerate(attempt["questions"]):
            key = self._keys[question["id"]]
            wrong = [option["id"] for option in question["options"] if option["id"] not in key]
            answers[question["id"]] = min(wrong) if wrong and number % 5 < COPIED_WRONG_OF_FIVE else key
        return answers

    async def _save(self, attempt_id: str, answers: Json, bearer: dict[str, str]) -> None:
        url = f"{self.client.apis.quiz}/attempts/{attempt_id}/answers"
        body = {"answers": answers, "revision": 1}
        # Too fast: the answer to the first try was lost, and the client has sent it again.
        saved = await self.client.ask_for("PUT", url, ["saves_too_fast"], json=body, headers=bearer)
        if not isinstance(saved, str):
            self.client.ledger.note("saved", attempt_id, str(saved["revision"]))

    def _answer(self, person: Person, question: Json, chance: random.Random) -> str:
        if chance.random() < person.skill:
            return self._keys[question["id"]]
        return str(chance.choice(question["options"])["id"])

    async def _visit(self, person: Person, chance: random.Random) -> None:
        if person.status not in {"confirmed", "waitlisted"}:
            return
        scarce = person.session_id == self._scarcest()
        if chance.random() < (CANCEL_SCARCE_SHARE if scarce else CANCEL_SHARE):
            url = f"{self.client.apis.registration}/registrations/{person.registration_id}/cancel"
            await self.client.ask("POST", url, headers=person.headers)
            self.client.ledger.note("cancelled", person.registration_id)
        elif person.session_id == OPEN_DAY_SESSION and chance.random() < CHECK_IN_SHARE:
            body = {
                "ticket": person.ticket_code,
                "session_id": OPEN_DAY_SESSION,
                "scan_id": str(uuid4()),
            }
            judged = await self.client.ask(
                "POST",
                f"{self.client.apis.registration}/check-ins",
                json=body,
                headers=self.client.apis.organiser,
            )
            if judged["verdict"] != "ok":
                raise UnexpectedAnswer(f"a good ticket got the verdict {judged['verdict']}")
            self.client.ledger.note("checked_in", person.registration_id)

    async def _each(
        self, people: Sequence[Person], stage: str, act: Callable[[Person], Awaitable[None]]
    ) -> None:
        waiting = iter(people)

        async def work() -> None:
            for person in waiting:
                await act(person)
                self.advance(stage, 1)

        async with asyncio.TaskGroup() as group:
            for _ in range(UNDER_WAY_MAX):
                group.create_task(work())


def registration_of(person: Person) -> Json:
    """The body of a request for a place in the session of this person."""
    return {
        "session_id": person.session_id,
        "participant": {
            "name": person.name,
            "email": person.address,
            "district": person.district,
            "audience": person.audience,
            "language": person.language,
        },
    }


def open_day(now: datetime) -> Json:
    """An activity that is on now, with room for everybody, so that tickets can be checked in."""
    session = {
        "session_id": OPEN_DAY_SESSION,
        "starts_at": now.isoformat(),
        "ends_at": (now + timedelta(hours=OPEN_DAY_HOURS)).isoformat(),
        "venue": "濮阳市科技馆",
        "district": "华龙区",
        "capacity": OPEN_DAY_CAPACITY,
    }
    return {
        "activity_id": "open-day",
        "title": "科技馆开放日",
        "organiser": "濮阳市科学技术局",
        "kind": "open_day",
        "sessions": [session],
    }


def rescheduled(week: Week) -> tuple[Json, Json]:
    """The session that moves during the week, and the one that is cancelled."""
    moved, cancelled = [one for one in week.activities if len(one["sessions"]) > 1][:2]
    return moved["sessions"][0], cancelled["sessions"][0]


def late_quiz_id(week: Week) -> str:
    """The id of the short quiz that some people submit too late."""
    return f"{week.quiz_id}-warm-up"


def late_quiz(week: Week) -> Json:
    """The week's quiz with a few seconds for each attempt, and with other points."""
    short = {"duration_seconds": LATE_DURATION_SECONDS, "grace_seconds": 0, "least_plausible_seconds": None}
    return weighted({**week.quiz, "title": "热身赛", **short})
