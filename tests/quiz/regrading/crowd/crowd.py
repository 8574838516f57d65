"""
What happens: 60 % of the attempts are graded, then a key is corrected while the rest streams in, and while
people start and submit over HTTP. A worker, the API, awards, Kafka and MongoDB are killed meanwhile. When all
is at rest a question is cancelled, and the quiz is closed.
"""

import asyncio
import random
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ops.deployment.databases import Databases
from ops.deployment.settle import GROUPS, told_now_and_then, wait_until_settled
from ops.kills import Chaos
from ops.local.services import Part, Services
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.regrading.correct import Corrections
from services.quiz.regrading.question_changes import Change
from services.quiz.regrading.store import PreviewStore
from services.quiz.wiring.stores import Stores
from shared.contracts.origin import Origin
from shared.web.tokens import TokenSigner
from tests.quiz.builders import noon_zone
from tests.quiz.regrading.crowd.asking import Asking
from tests.quiz.regrading.crowd.contest import (
    FIRST,
    QUIZ,
    SECOND,
    Correction,
    Json,
    Rules,
    Sheet,
    definition,
    filled_in,
    person,
    sheets,
)
from tests.quiz.regrading.crowd.sender import Sender
from tests.support.service import bearer
from tests.support.waiting import eventually

PARTS = (
    Part("quiz", "quiz", "api"),
    Part("quiz-worker-1", "quiz", "worker"),
    Part("quiz-worker-2", "quiz", "worker"),
    Part("awards", "awards"),
    Part("awards-worker", "awards", "worker"),
    Part("notifications", "notifications"),
)
# The one of the workers that grades again at that moment.
WORKER = "quiz-worker"
VICTIMS = (WORKER, "quiz", "awards-worker", "kafka", "mongo")
# Registration does not run.
READERS = GROUPS - {"registration-requests"}
FIRST_SHARE = 0.6
# Of a hundred people: those whose profile comes late, and those who have none.
LATE, NEVER = 97, 99
DISTRICT_OF_TOKENS = "华龙区"
STEP_SECONDS_MAX = 600.0
SCHEMES: dict[str, Json] = {
    "crowd-passed": {"type": "pass_mark", "quiz_id": QUIZ, "score_percent": 60},
    "crowd-excellent": {"type": "pass_mark", "quiz_id": QUIZ, "score_percent": 90},
    "crowd-prize": {
        "type": "rank_tiers",
        "quiz_id": QUIZ,
        "tiers": [
            {"tier": "一等奖", "places": 10},
            {"tier": "二等奖", "places": 40},
            {"tier": "三等奖", "places": 150},
        ],
    },
}


@dataclass(frozen=True)
class Plan:
    """
    Args:
        people: of six of them come ten attempts.
        visitors: people who start and submit over HTTP while results are graded again.
        victims: killed while results are graded again, each once.
        stream_seconds: the last 40 % come over so long a time.
        settle_seconds: results are graded again so long after the correction; None: as in the product.
    """

    people: int
    visitors: int
    victims: Sequence[str] = VICTIMS
    stream_seconds: float = 150.0
    settle_seconds: float | None = None
    grace_seconds: int = 5
    seed: int = 7


@dataclass
class Report:
    """
    What happened: figures, moments, and what is wrong.

    Attributes:
        previews, outcomes: of each correction.
        asked, corrected: the moments before and after a preview was made, and a correction accepted.
        receipts: of submissions over HTTP, by attempt.
    """

    began_at: float = field(default_factory=time.monotonic)
    seconds: dict[str, float] = field(default_factory=dict)
    kills: list[str] = field(default_factory=list)
    previews: list[Json] = field(default_factory=list)
    outcomes: list[Json] = field(default_factory=list)
    asked: list[tuple[datetime, datetime]] = field(default_factory=list)
    corrected: list[tuple[datetime, datetime]] = field(default_factory=list)
    receipts: dict[str, str] = field(default_factory=dict)
    figures: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def reached(self, step: str) -> None:
        """A step has ended now."""
        self.seconds[step] = round(time.monotonic() - self.began_at, 1)


@dataclass(frozen=True)
class Played:
    """What check.py has to know: the rules, who took part with which sheets, and what was seen."""

    rules: Rules
    people: Sequence[str]
    sheets: Sequence[Sheet]
    report: Report


class Crowd:
    """The people, the organiser and the killer."""

    def __init__(
        self, plan: Plan, services: Services, databases: Databases, say: Callable[[str], None]
    ) -> None:
        self.plan, self.services, self.databases, self.say = plan, services, databases, say
        self.report = Report()
        self.chance = random.Random(plan.seed)  # noqa: S311 (no secret)
        # The services keep times in whole milliseconds.
        now = datetime.now(UTC).replace(microsecond=0)
        self.quiz = definition(now, noon_zone(now), plan.grace_seconds)
        self.rules = Rules(self.quiz, (FIRST, SECOND))
        self.sheets = list(sheets(self.rules, plan.people, now, self.chance))
        self.chance.shuffle(self.sheets)
        self.people = [person(place) for place in range(plan.people)]
        self.signer = TokenSigner(services.secrets["KEPU_TOKEN_PRIVATE_KEY"])
        self.ask = Asking(services).ask
        self._sender = Sender(services.stack.kafka)

    @property
    def played(self) -> Played:
        """For check.py."""
        return Played(self.rules, self.people, self.sheets, self.report)

    async def play(self) -> None:
        """All of it."""
        await self._prepare()
        await self._begin()
        first = await self._preview(FIRST)
        streaming = asyncio.create_task(self._stream(self._rest))
        visiting = asyncio.create_task(self._visit())
        self.report.previews.append(await first)
        self._step("preview under load")
        await self._correct(FIRST)
        await self._kill_meanwhile(1)
        self.report.outcomes.append(await self._graded_again(1))
        self._step("graded again under load")
        await asyncio.gather(streaming, visiting)
        await self._at_rest()
        self._sender.join(self._those(LATE, NEVER))
        await self._sender.flush()
        await self._at_rest()
        self._step("all is graded")
        self.report.previews.append(await (await self._preview(SECOND)))
        await self._correct(SECOND)
        self.report.outcomes.append(await self._graded_again(2))
        self._step("graded again at rest")
        await self._close()
        await self._at_rest()
        self._step("closed")

    def _step(self, name: str) -> None:
        self.report.reached(name)
        self.say(f"{self.report.seconds[name]:6.1f} s  {name}")

    def _those(self, begin: int, end: int) -> list[tuple[int, str]]:
        """People by their places, of each hundred those from `begin` and before `end`."""
        return [(place, who) for place, who in enumerate(self.people) if begin <= place % 100 < end]

    async def _prepare(self) -> None:
        await self.ask("quiz", "PUT", f"/quizzes/{QUIZ}", self.quiz)
        for scheme_id, rule in SCHEMES.items():
            kind = "prize" if "tiers" in rule else "certificate"
            scheme = {"title": f"知识竞赛 {scheme_id}", "kind": kind, "rule": rule}

            async def is_put(path: str = f"/schemes/{scheme_id}", body: Json = scheme) -> bool:
                # Awards learns of the quiz by its event, which may still be on its way.
                status, _ = await Asking(self.services).ask_once("awards", "PUT", path, body)
                return status == 200

            await eventually(is_put)
        self._step("prepared")

    async def _begin(self) -> None:
        """Let 60 % be graded."""
        self._sender.join(self._those(0, LATE))
        await self._sender.flush()
        many = int(FIRST_SHARE * len(self.sheets))
        self._rest = self.sheets[many:]
        await self._sender.submit(self.sheets[:many])
        await self._sender.flush()
        without = {who for _, who in self._those(LATE, 100)}
        known = sum(one.participant_id not in without for one in self.sheets[:many])
        results = self.databases.quiz["results"].estimated_document_count
        await eventually(results, lambda found: found >= known, seconds=STEP_SECONDS_MAX)
        self._step(f"{known} graded")

    async def _stream(self, rest: list[Sheet]) -> None:
        await self._sender.submit(rest, self.plan.stream_seconds)
        await self._sender.flush()

    async def _visit(self) -> None:
        """People start and submit, one after the other, while all of the rest streams in."""
        for number in range(self.plan.visitors):
            began = time.monotonic()
            await self._sit(f"visitor-{number}")
            each = self.plan.stream_seconds / self.plan.visitors
            await asyncio.sleep(max(0.0, each - (time.monotonic() - began)))

    async def _sit(self, who: str) -> None:
        token = self.signer.sign(who, None, DISTRICT_OF_TOKENS, datetime.now(UTC))
        begun = await self.ask("quiz", "POST", f"/quizzes/{QUIZ}/attempts", {}, bearer(token))
        id_ = begun["attempt_id"]
        asked = {one["id"] for one in begun["questions"]}
        if asked != set(self.rules.paper(id_)):
            self.report.wrong.append(f"{id_} has another paper than the rule draws")
        answers = filled_in(self.rules, id_, 0.6, self.chance)
        own = bearer(begun["attempt_token"])
        receipt = await self.ask("quiz", "POST", f"/attempts/{id_}/submission", {"answers": answers}, own)
        self.report.receipts[id_] = receipt["receipt_id"]

    async def _preview(self, correction: Correction) -> Coroutine[Any, Any, Json]:
        """Ask for a preview; the answer is waited for."""
        path = f"/quizzes/{QUIZ}/corrections/preview"
        asked_at = datetime.now(UTC)
        await self.ask("quiz", "POST", path, _body(correction))

        async def made() -> Json:
            preview: Json = await eventually(
                lambda: self.ask("quiz", "GET", path), lambda one: one["figures"], seconds=STEP_SECONDS_MAX
            )
            self.report.asked.append((asked_at, datetime.now(UTC)))
            return preview

        return made()

    async def _correct(self, correction: Correction) -> None:
        before = datetime.now(UTC)
        if self.plan.settle_seconds is None:
            await self.ask("quiz", "POST", f"/quizzes/{QUIZ}/corrections", _body(correction))
        else:
            await self._correct_and_settle_soon(correction, timedelta(seconds=self.plan.settle_seconds))
        self.report.corrected.append((before, datetime.now(UTC)))

    async def _correct_and_settle_soon(self, correction: Correction, settle: timedelta) -> None:
        """As another copy of the service that waits less: here no transaction lives for long."""
        stores = Stores.of(self.databases.quiz)
        catalogue = Catalogue(stores.quizzes)
        await catalogue.refresh()
        previews = PreviewStore(self.databases.quiz)
        corrections = Corrections(stores.quizzes, catalogue, stores.regradings, previews, settle=settle)
        question, change = correction.question_id, Change(key=correction.key)
        await corrections.correct(QUIZ, question, change, "why", "an organiser", lambda _: True, Origin())

    async def _kill_meanwhile(self, number: int) -> None:
        """Kill each victim at a random moment of the walk, and start it again."""
        victims = self.chance.sample(self.plan.victims, len(self.plan.victims))
        # It goes on while a victim comes back, so they lie in its first half. A small walk is over soon.
        moments = sorted(self.chance.randint(1, 45) for _ in victims) if len(victims) > 1 else [0]
        for victim, percent in zip(victims, moments, strict=True):
            found = await eventually(
                lambda: self._regrading(number),
                lambda one, least=percent: one["portions"] and _percent(one) >= least,  # type: ignore[misc]
                seconds=STEP_SECONDS_MAX,
            )
            name = await self._holder() if victim == WORKER else victim
            self.report.kills.append(f"{name} at {_percent(found)} %")
            chaos = Chaos(self.services, self.say, pause_seconds=0)
            await chaos.run([name])

    async def _regrading(self, number: int) -> Json:
        return await self.databases.quiz["regradings"].find_one({"_id": f"{QUIZ}/{number}"}) or {}

    async def _holder(self) -> str:
        """The worker that grades again."""
        lease = await self.databases.quiz["leases"].find_one({"_id": "regrading"})
        assert lease is not None
        workers = [part.name for part in PARTS if part.name.startswith(WORKER)]
        return next(name for name in workers if lease["holder"].startswith(f"{name}-"))

    async def _graded_again(self, number: int) -> Json:
        """The figures of a correction, when it is done."""
        path = f"/quizzes/{QUIZ}/corrections"
        found = await eventually(
            lambda: self.ask("quiz", "GET", path),
            lambda one: one["corrections"][number - 1]["regrading"]["status"] == "done",
            seconds=STEP_SECONDS_MAX,
        )
        figures: Json = found["corrections"][number - 1]["regrading"]["figures"]
        return figures

    async def _close(self) -> None:
        await self.ask("quiz", "POST", f"/quizzes/{QUIZ}/close", {})
        await eventually(
            lambda: self.ask("quiz", "GET", f"/quizzes/{QUIZ}"),
            lambda one: one["status"] == "closed",
            seconds=STEP_SECONDS_MAX,
        )

    async def _at_rest(self) -> None:
        tell = told_now_and_then(self.say)
        kafka = self.services.stack.kafka
        await wait_until_settled(kafka, self.databases, tell, STEP_SECONDS_MAX, READERS)


def _body(correction: Correction) -> Json:
    right: Json = {"cancelled": True} if correction.key is None else {"key": correction.key}
    return {"question_id": correction.question_id, "reason": "教材有更正", **right}


def _percent(regrading: Json) -> int:
    portions: int = regrading["portions"] or 1
    done: int = regrading["portions_done"]
    return 100 * done // portions
