"""The demo: a week of people, another system's events, an organiser's decisions, the closing."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias
from uuid import uuid4

from ops.audit.awards import name_of
from ops.demo.ceremony import award_ceremony
from ops.demo.draws import hold_a_draw
from ops.demo.listening import listen
from ops.demo.lives import wait_until_told
from ops.demo.mails import Mails
from ops.demo.notices import give_after_notice, put_scheme
from ops.demo.outsider import Outsider
from ops.demo.people import ERASED
from ops.demo.play import Play, late_quiz, late_quiz_id, open_day, rescheduled
from ops.demo.printing import print_documents
from ops.demo.selecting import SELECTING, hold_selection
from ops.deployment.client import Client, UnexpectedAnswer
from ops.deployment.databases import Databases
from ops.deployment.description import Apis, Deployment
from ops.deployment.settle import Unrest, wait_until_settled, words_of
from ops.week import files, load
from ops.week.files import Week

Json: TypeAlias = dict[str, Any]
PEOPLE = 2_000
OUTSIDERS = 200
CLOSE_SECONDS_MAX = 90.0
LOOK_SECONDS = 0.5


@dataclass(slots=True)
class Demo:
    """One week, to be played on a deployment that runs."""

    deployment: Deployment
    client: Client
    advance: Callable[[str, int], None]
    say: Callable[[str], None]
    people: int = PEOPLE
    outsiders: int = OUTSIDERS
    week: Week = field(init=False)

    def __post_init__(self) -> None:
        self.week = week_of_now()

    @property
    def apis(self) -> Apis:
        """The services' HTTP APIs."""
        return self.deployment.apis

    def prepare(self) -> None:
        """
        Load the week, and the short quiz that some people submit too late.

        Raises:
            NotLoaded: a service refuses something.
        """
        load.load_whole(self.week, self.apis)
        load.put(load.quiz_piece(late_quiz_id(self.week), late_quiz(self.week)), self.apis)

    async def play(self) -> None:
        """
        Play the week: people over HTTP, another system by events, the organiser's decisions.

        Raises:
            UnexpectedAnswer: a service answered what it must not.
        """
        outsider = Outsider(self.deployment.kafka, self.deployment.contact_public_key)
        elsewhere = asyncio.create_task(asyncio.to_thread(self._play_outside, outsider))
        mails = Mails(self.deployment.mail_file)
        play = Play(self.week, self.client, mails, self.people, self.advance)
        people = await play.run()
        staying = [person for person in people if person.status != ERASED]
        await hold_selection(self.client, staying[-SELECTING:])
        await elsewhere
        for topic, id_ in outsider.emitted.events:
            self.client.ledger.note("emitted", id_, topic)
        await self._confer()
        await self._reschedule()

    async def close(self, databases: Databases) -> None:
        """
        Close the quizzes, and wait until their prizes are awarded and all is at rest.

        Raises:
            UnexpectedAnswer: a quiz is not closed in time.
            NotAtRest: some work is still in progress after the time.
        """
        screen = asyncio.create_task(listen(self.client, self.week.quiz_id))
        await put_scheme(self.client, late_quiz_id(self.week))
        for quiz_id in (self.week.quiz_id, late_quiz_id(self.week)):
            url = f"{self.apis.quiz}/quizzes/{quiz_id}"
            await self.client.ask("POST", f"{url}/close", headers=self.client.apis.organiser)
        for quiz_id in (self.week.quiz_id, late_quiz_id(self.week)):
            await self._wait_until_closed(f"{self.apis.quiz}/quizzes/{quiz_id}")
        await screen
        for quiz_id in (self.week.quiz_id, late_quiz_id(self.week)):
            await self._wait_until_examined(f"{self.apis.quiz}/quizzes/{quiz_id}/flags")
            await self._compare_districts(f"{self.apis.quiz}/quizzes/{quiz_id}/divisions/district")
        await give_after_notice(self.client, late_quiz_id(self.week))
        await wait_until_told(self.client, self.week)
        await hold_a_draw(self.client, self.week.quiz_id)
        await self.settle(databases)
        flags = [one["scheme_id"] for one in self.week.schemes if one["kind"] == "flag"]
        for scheme_id in flags:
            self.say(f"{await print_documents(self.client, scheme_id)} flags are ready for the printer")

    async def settle(self, databases: Databases) -> None:
        """Wait until no work is left, and print the remaining work."""

        def tell(unrest: Unrest) -> None:
            self.say(
                f"to do: {unrest.unread} events unread, {unrest.unpublished} unpublished, "
                f"{unrest.undelivered} messages to deliver"
            )

        if waiting := words_of(await wait_until_settled(self.deployment.kafka, databases, tell)):
            self.say(waiting)

    async def _wait_until_closed(self, url: str) -> None:
        deadline = asyncio.get_running_loop().time() + CLOSE_SECONDS_MAX
        while (await self.client.ask("GET", url))["status"] != "closed":
            if asyncio.get_running_loop().time() > deadline:
                raise UnexpectedAnswer(f"{url} is not closed after {CLOSE_SECONDS_MAX:.0f} s")
            self.say("the contest is closed; the last submissions are being graded")
            await asyncio.sleep(LOOK_SECONDS)

    async def _wait_until_examined(self, url: str) -> None:
        deadline = asyncio.get_running_loop().time() + CLOSE_SECONDS_MAX
        organiser = self.client.apis.organiser
        while not (await self.client.ask("GET", url, headers=organiser))["examination"]["final"]:
            if asyncio.get_running_loop().time() > deadline:
                raise UnexpectedAnswer(f"{url} is not examined after {CLOSE_SECONDS_MAX:.0f} s")
            self.say("the contest is examined for fair play")
            await asyncio.sleep(LOOK_SECONDS)

    async def _compare_districts(self, url: str) -> None:
        """Wait until boards are final, and read who is the best of the best district."""
        deadline = asyncio.get_running_loop().time() + CLOSE_SECONDS_MAX
        while not (table := await self.client.ask("GET", url))["final"]:
            if asyncio.get_running_loop().time() > deadline:
                raise UnexpectedAnswer(f"{url} is not final after {CLOSE_SECONDS_MAX:.0f} s")
            await asyncio.sleep(LOOK_SECONDS)
        for district in [one["name"] for one in table["divisions"] if not one["hidden"]][:1]:
            board = await self.client.ask("GET", f"{url}/standings", params={"name": district, "limit": 3})
            if [one["rank"] for one in board["standings"]][:1] != [1]:
                raise UnexpectedAnswer(f"nobody is the first of {district}")

    def _play_outside(self, outsider: Outsider) -> None:
        chance = random.Random(1)  # noqa: S311 (simulated people)
        people = [str(uuid4()) for _ in range(self.outsiders)]
        sessions = [session["session_id"] for one in self.week.activities for session in one["sessions"]]
        districts = sorted({group["district"] for group in self.week.groups if group.get("district")})
        quiz = outsider.published_quiz(self.week.quiz_id)
        # Some take the quiz before they are registered: between two topics there is no order.
        early = people[: self.outsiders // 10]
        outsider.sit(early, quiz)
        outsider.register(people, sessions, districts)
        outsider.emit_poison()
        outsider.sit(people[len(early) :], quiz)
        outsider.say(chance.sample(people, self.outsiders // 4))
        outsider.flush()
        self.advance("outside", self.outsiders)

    async def _reschedule(self) -> None:
        """Move one session to another hall, and cancel one. These people are notified."""
        moved, cancelled = rescheduled(self.week)
        [of_moved] = [one for one in self.week.activities if moved in one["sessions"]]
        url = f"{self.apis.registration}/activities/{of_moved['activity_id']}"
        activity = await self.client.ask("GET", url)
        [session] = [one for one in activity["sessions"] if one["session_id"] == moved["session_id"]]
        session["venue"] = "濮阳市体育馆"
        await self.client.ask("PUT", url, json=activity, headers=self.client.apis.organiser)
        url = f"{self.apis.registration}/sessions/{cancelled['session_id']}/cancel"
        reason = {"reason": "weather", "text": "因天气原因取消，感谢理解"}
        await self.client.ask("POST", url, json=reason, headers=self.client.apis.organiser)

    async def _confer(self) -> None:
        """Confer plaques and flags, each one twice as if by mistake, and revoke the last one."""
        teams = [group["group_id"] for group in self.week.groups if group["kind"] == "service_team"]
        schools = [group["group_id"] for group in self.week.groups if group["kind"] == "school"]
        url = f"{self.apis.awards}/awards"
        last: Json = {}
        conferred: list[Json] = []
        for scheme in self.week.schemes:
            if scheme["rule"]["type"] != "conferred":
                continue
            for recipient in teams if scheme["kind"] == "flag" else schools[:2]:
                body = {"scheme_id": scheme["scheme_id"], "recipient_id": recipient}
                last = await self.client.ask("POST", url, json=body, headers=self.client.apis.organiser)
                await self.client.ask("POST", url, json=body, headers=self.client.apis.organiser)
                self.client.ledger.note("conferred", name_of(body["scheme_id"], recipient), last["award_id"])
                await self.client.ask("GET", f"{url}/{last['award_code']}/credential")
                conferred.append(last)
        if last:
            await award_ceremony(self.client, (one["scheme_id"] for one in conferred), conferred)
            reason = {"reason": "样例：颁发有误"}
            revoke = f"{url}/{last['award_id']}/revoke"
            await self.client.ask("POST", revoke, json=reason, headers=self.client.apis.organiser)
            self.client.ledger.note("revoked", last["award_id"])


def week_of_now() -> Week:
    """The sample week, moved so that it begins tomorrow, with its contest open now."""
    now = datetime.now(UTC)
    week = files.from_tomorrow(files.read(), now)
    week.activities.append(open_day(now))
    return week
