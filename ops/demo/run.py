"""The demo: a week of people, another system's events, an organiser's decisions, and its close."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias
from uuid import uuid4

from ops.audit.awards import name_of
from ops.demo.outsider import Outsider
from ops.demo.people import Urls
from ops.demo.play import Play, late_quiz, late_quiz_id, open_day
from ops.deployment.client import Client
from ops.deployment.databases import Databases
from ops.deployment.settle import Unrest, wait_until_settled
from ops.local.services import Services
from ops.stack import StackError
from ops.week import files as weeks
from ops.week.files import Week

Json: TypeAlias = dict[str, Any]
PEOPLE = 2_000
OUTSIDERS = 200
CLOSE_SECONDS_MAX = 90.0
LOOK_SECONDS = 0.5


@dataclass(slots=True)
class Demo:
    """One week to be played on running services."""

    services: Services
    client: Client
    advance: Callable[[str, int], None]
    say: Callable[[str], None]
    people: int = PEOPLE
    outsiders: int = OUTSIDERS
    week: Week = field(init=False)

    def __post_init__(self) -> None:
        self.week = week_of_now()

    @property
    def urls(self) -> Urls:
        """Where the services listen."""
        url = self.services.url
        return Urls(url("registration"), url("quiz"), url("awards"), url("notifications"))

    def prepare(self) -> None:
        """
        Load the week, and the short quiz that some come too late for.

        Raises:
            StackError: a service refuses it.
        """
        urls = {name: self.services.url(name) for name in ("registration", "quiz", "awards")}
        key = self.services.secrets["KEPU_ORGANISER_KEY"]
        if failures := weeks.load(weeks.pieces(self.week), urls, key):
            raise StackError(f"the week was not loaded: {failures}")
        weeks.put_quiz(urls["quiz"], key, late_quiz_id(self.week), late_quiz(self.week))

    async def play(self) -> None:
        """
        Let everybody do what they came for.

        Raises:
            StackError: something was answered that must not be.
        """
        outsider = Outsider(self.services.stack.kafka, self.services.secrets["KEPU_CONTACT_PUBLIC_KEY"])
        elsewhere = asyncio.create_task(asyncio.to_thread(self._play_outside, outsider))
        play = Play(self.week, self.urls, self.client, self.people, self.advance)
        await play.run()
        await elsewhere
        for topic, id_ in outsider.emitted.events:
            self.client.ledger.note("emitted", id_, topic)
        await self._confer()
        await self._reschedule()

    async def close(self, databases: Databases) -> None:
        """
        Close the quizzes, have their prizes awarded, and wait until all is at rest.

        Raises:
            StackError: that takes too long.
        """
        for quiz_id in (self.week.quiz_id, late_quiz_id(self.week)):
            url = f"{self.urls.quiz}/quizzes/{quiz_id}"
            await self.client.ask("POST", f"{url}/close", headers=self.client.organiser)
        for quiz_id in (self.week.quiz_id, late_quiz_id(self.week)):
            await self._wait_until_closed(f"{self.urls.quiz}/quizzes/{quiz_id}")
        await self.settle(databases)

    async def settle(self, databases: Databases) -> None:
        """Wait until all is at rest, saying what is left to do."""

        def tell(unrest: Unrest) -> None:
            self.say(
                f"to do: {unrest.unread} events unread, {unrest.unpublished} unpublished, "
                f"{unrest.undelivered} messages to deliver"
            )

        await wait_until_settled(self.services.stack.kafka, databases, tell)

    async def _wait_until_closed(self, url: str) -> None:
        deadline = asyncio.get_running_loop().time() + CLOSE_SECONDS_MAX
        while (await self.client.ask("GET", url))["status"] != "closed":
            if asyncio.get_running_loop().time() > deadline:
                raise StackError(f"{url} is not closed after {CLOSE_SECONDS_MAX:.0f} s")
            self.say("the contest is closed; what came in time is being graded to the last one")
            await asyncio.sleep(LOOK_SECONDS)

    def _play_outside(self, outsider: Outsider) -> None:
        chance = random.Random(1)  # noqa: S311 (simulated people)
        people = [str(uuid4()) for _ in range(self.outsiders)]
        sessions = [session["session_id"] for one in self.week.activities for session in one["sessions"]]
        districts = sorted({group["district"] for group in self.week.groups if group.get("district")})
        quiz = outsider.published_quiz(self.week.quiz_id)
        # Some sit before they are registered: the order of two topics is nobody's promise.
        early = people[: self.outsiders // 10]
        outsider.sit(early, quiz)
        outsider.register(people, sessions, districts)
        outsider.emit_poison()
        outsider.sit(people[len(early) :], quiz)
        outsider.say(chance.sample(people, self.outsiders // 4))
        outsider.flush()
        self.advance("outside", self.outsiders)

    async def _reschedule(self) -> None:
        """One session moves to another hall and one is cancelled; their people are told."""
        moved, cancelled = [one for one in self.week.activities if len(one["sessions"]) > 1][:2]
        url = f"{self.urls.registration}/activities/{moved['activity_id']}"
        activity = await self.client.ask("GET", url)
        activity["sessions"][0]["venue"] = "濮阳市体育馆"
        await self.client.ask("PUT", url, json=activity, headers=self.client.organiser)
        url = f"{self.urls.registration}/sessions/{cancelled['sessions'][0]['session_id']}/cancel"
        await self.client.ask("POST", url, json={"reason": "weather"}, headers=self.client.organiser)

    async def _confer(self) -> None:
        """The organiser's plaques and flags, one of them twice and one of them taken back."""
        teams = [group["group_id"] for group in self.week.groups if group["kind"] == "service_team"]
        schools = [group["group_id"] for group in self.week.groups if group["kind"] == "school"]
        url = f"{self.urls.awards}/awards"
        last: Json = {}
        for scheme in self.week.schemes:
            if scheme["rule"]["type"] != "conferred":
                continue
            for recipient in teams if scheme["kind"] == "flag" else schools[:2]:
                body = {"scheme_id": scheme["scheme_id"], "recipient_id": recipient}
                last = await self.client.ask("POST", url, json=body, headers=self.client.organiser)
                await self.client.ask("POST", url, json=body, headers=self.client.organiser)
                self.client.ledger.note("conferred", name_of(body["scheme_id"], recipient), last["award_id"])
        if last:
            reason = {"reason": "样例：颁发有误"}
            revoke = f"{url}/{last['award_id']}/revoke"
            await self.client.ask("POST", revoke, json=reason, headers=self.client.organiser)
            self.client.ledger.note("revoked", last["award_id"])


def week_of_now() -> Week:
    """The sample week, moved so that it begins tomorrow, with its contest open already."""
    now = datetime.now(UTC)
    week = weeks.from_tomorrow(weeks.read(), now)
    week.activities.append(open_day(now))
    return week
