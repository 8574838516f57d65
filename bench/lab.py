"""
Where runs take place: one stack, the services, and the baselines, all processes of this machine.

`Lab.clear` goes back to an empty week while Kafka and MongoDB go on: their first half minute costs more than
later ones.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from bench.contest import PASS_MARK_PERCENT, Contest
from bench.errors import BenchError
from ops.audit.run import Audit, audit
from ops.deployment import databases
from ops.deployment.description import SERVICES
from ops.deployment.settle import GROUPS, wait_until_settled
from ops.local.services import MAIL, Part, Services
from ops.stack import Stack
from ops.stack.host import free_port
from ops.stack.logs import tail
from ops.stack.process import Command, Started, is_running, start, stop
from ops.week.load import Piece, load
from services.quiz.quizzes.publish import publish
from services.quiz.quizzes.store import QuizStore
from shared.contracts import topics
from shared.messaging.create_topics import create_missing
from shared.runtime import clock
from shared.storage import mongo, outbox

ROOT = Path(__file__).parent.parent
COPIES_MAX = 4
READY_SECONDS_MAX = 30.0
CLEARED_SECONDS_MAX = 60.0
POLL_SECONDS = 0.2
SETTLED_SECONDS_MAX = 900.0
# The topics of the baselines have the same shape as ours.
ASIDE = tuple(
    topics.Topic(f"bench.{name}", (), 4 if name in ("issued", "delivered") else 12)
    for name in (
        "submitted.bare",
        "submitted.naive",
        "submitted.minimal",
        "submitted.single",
        "submitted.quix",
        "completed",
        "issued",
        "delivered",
    )
)
ASIDE_DATABASE = "bench"
DATABASES = (*(f"kepu_{name}" for name in SERVICES), ASIDE_DATABASE)

PARTS: tuple[Part, ...] = (
    Part("registration", "registration"),
    *(Part(f"quiz-{n}", "quiz", "api") for n in range(1, COPIES_MAX + 1)),
    *(Part(f"quiz-worker-{n}", "quiz", "worker") for n in range(1, COPIES_MAX + 1)),
    Part("awards", "awards"),
    Part("notifications", "notifications"),
)
# One process of each kind that a participant's submission passes through.
CHAIN = ("quiz-1", "quiz-worker-1", "awards", "notifications")


@dataclass(slots=True)
class Aside:
    """The process of a baseline."""

    name: str
    port: int
    started: Started
    log: Path

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self.started.process.pid

    def check(self) -> None:
        """
        Raises:
            BenchError: it has ended.
        """
        if not is_running(self.started.process):
            raise BenchError(f"{self.name} has ended; {tail(self.log)}")

    def end(self) -> None:
        stop(self.started.process)
        self.started.reap()


@dataclass(slots=True)
class Lab:
    """
    Where runs take place.

    Args:
        lasting: services go on from one line to the next, and what is stored stays. In a short run, to start
            services takes most of the time.
    """

    stack: Stack
    contest: Contest
    lasting: bool = False
    services: Services = field(init=False)
    # Whether all that is stored is consistent, so that the next line can begin without clearing.
    _consistent: bool = False

    def __post_init__(self) -> None:
        self.services = Services(self.stack, PARTS, detached=False)

    @property
    def home(self) -> Path:
        return self.stack.home

    @property
    def ledger(self) -> Path:
        """The promises: what was acknowledged, for the audit."""
        return self.home / "ledger.jsonl"

    def target(self, name: str) -> str:
        """Where a part listens, as HOST:PORT for the load client."""
        return self.services.url(name).removeprefix("http://")

    def start(self, *names: str) -> None:
        """Start these parts, and wait until they are healthy."""
        for name in (MAIL, *names):
            if not self.services.runs(name):
                self.services.start(name)
        for name in names:
            self.services.wait_until_healthy(name)

    def stop(self, *names: str) -> None:
        """Stop these parts, by default all."""
        if names:
            self.services.stop(*names)
        else:
            self.services.down()

    @contextmanager
    def running(self, *names: str) -> Iterator[None]:
        """These parts until the end of the block, or longer where services last."""
        try:
            self.start(*names)
            yield
        finally:
            if not self.lasting:
                self.stop(*names)

    @contextmanager
    def aside(self, name: str, *, python: Sequence[str] | None = None, **told: object) -> Iterator[Aside]:
        """
        A baseline until the end of the block: module `bench.baselines.NAME`, told all by its environment.

        If it serves HTTP, wait until it answers.
        """
        port = free_port()
        environment = {
            "BENCH_KAFKA": self.stack.kafka,
            "BENCH_MONGO": self.stack.mongo,
            "BENCH_PORT": str(port),
            "PYTHONPATH": str(ROOT),
            **{f"BENCH_{key.upper()}": str(value) for key, value in told.items()},
        }
        log = self.home / "logs" / f"{name}.log"
        command = Command(
            (*(python or (sys.executable,)), "-m", f"bench.baselines.{name}"), ROOT, environment
        )
        running = Aside(name, port, start(command, log, detached=False), log)
        try:
            if name.endswith(("intake", "start", "rank")):
                _wait_until_it_answers(running)
            yield running
        finally:
            running.end()

    def pids(self, *names: str, asides: Iterable[Aside] = ()) -> dict[str, int]:
        """The process ids of these parts and baselines, of Kafka and of mongod, by name."""
        found = {name: self.services.pid(name) for name in names}
        found |= {aside.name: aside.pid for aside in asides}
        found |= {"kafka": self.stack.pid("kafka"), "mongod": self.stack.pid("mongo")}
        missing = [name for name, pid in found.items() if pid is None]
        if missing:
            raise BenchError(
                f"{', '.join(missing)} does not run: see {self.home / 'logs'} (--keep keeps them)"
            )
        return {name: pid for name, pid in found.items() if pid is not None}

    def clear(self, *, contest: bool = True) -> None:
        """Go back to an empty week, with the contest published or without. The services must be stopped."""
        self.ledger.unlink(missing_ok=True)
        self.services.mail_file.unlink(missing_ok=True)
        _forget(self.stack.kafka, (*topics.ALL, *ASIDE), lambda group: True)
        asyncio.run(self._found(DATABASES, contest=contest))

    def clear_baselines(self) -> None:
        """Remove what the baselines of earlier lines have left."""
        _forget(self.stack.kafka, ASIDE, lambda group: group not in GROUPS)
        asyncio.run(self._found((ASIDE_DATABASE,), contest=False))

    def begin(self, *, contest: bool) -> None:
        """
        Begin a line with an empty week.

        Where services last, only the first line does so. It starts the whole chain, with the scheme in place
        before the first result: so the audit of every later line can expect an award for each of them.
        """
        if self.lasting and self._consistent:
            self.clear_baselines()
            return
        self.stop()
        self.clear(contest=contest or self.lasting)
        if self.lasting:
            self.start(*CHAIN)
            self.put_scheme()
            self._consistent = True

    def soil(self) -> None:
        """Have the next line clear everything: what this line leaves would not pass an audit."""
        self._consistent = False

    def put_scheme(self) -> None:
        """Put the scheme by which most people are awarded. Awards must run."""
        body = {
            "title": "科技创新和科学技术普及知识竞赛合格证书",
            "kind": "certificate",
            "rule": {
                "type": "pass_mark",
                "quiz_id": self.contest.quiz_id,
                "score_percent": PASS_MARK_PERCENT,
            },
        }
        piece = Piece("the scheme", "awards", "/schemes/bench-certificate", body)
        deadline = time.monotonic() + READY_SECONDS_MAX
        # Awards learns of the quiz by its event, which may still be on its way.
        while failures := load([piece], self.services.apis):
            if failures[0].code != "quiz_unknown" or time.monotonic() > deadline:
                raise BenchError(f"the scheme was not put: {failures[0].reason}")
            time.sleep(POLL_SECONDS)

    def settle(self, groups: Collection[str] = GROUPS) -> None:
        """Wait until nothing is under way. The services must run."""

        async def wait() -> None:
            async with databases.connected(self.stack.mongo) as all_databases:
                await wait_until_settled(
                    self.stack.kafka, all_databases, seconds=SETTLED_SECONDS_MAX, groups=groups
                )

        asyncio.run(wait())

    def audit(self, services: Collection[str] = SERVICES) -> Audit:
        """Run the audit."""

        async def look() -> Audit:
            async with databases.connected(self.stack.mongo) as all_databases:
                return await audit(self.services.deployment, all_databases, self.ledger, services)

        return asyncio.run(look())

    async def _found(self, databases: Iterable[str], *, contest: bool) -> None:
        for name in databases:
            async with mongo.connect(self.stack.mongo, name) as database:
                await database.client.drop_database(name)
        await create_missing(self.stack.kafka, wanted=(*topics.ALL, *ASIDE))
        if not contest:
            return
        async with mongo.connect(self.stack.mongo, "kepu_quiz") as database:
            quizzes = QuizStore(database)
            await quizzes.prepare()
            await outbox.prepare(database)
            await publish(quizzes, self.contest.quiz_id, self.contest.quiz, clock.now())


def _forget(kafka: str, which: Iterable[topics.Topic], is_theirs: Callable[[str], bool]) -> None:
    """Remove topics and consumer groups. A group lasts for a while after its last member has stopped."""
    admin = AdminClient({"bootstrap.servers": kafka, "log_level": 2})
    deadline = time.monotonic() + CLEARED_SECONDS_MAX
    names = {topic.name for topic in which} & set(admin.list_topics(timeout=10).topics)
    if names:
        _await_all(admin.delete_topics(sorted(names), operation_timeout=30))
    while names & set(admin.list_topics(timeout=10).topics):
        _give_up_after(deadline, "topics")
    while groups := [
        group.group_id for group in admin.list_consumer_groups().result(10).valid if is_theirs(group.group_id)
    ]:
        if all(_is_forgotten(admin, group) for group in groups):
            return
        _give_up_after(deadline, "consumer groups")


def _is_forgotten(admin: AdminClient, group: str) -> bool:
    """Whether a group is gone, or has only members that Kafka does not know any more."""
    try:
        admin.delete_consumer_groups([group])[group].result(10)
    except KafkaException as error:
        code = error.args[0].code()
        if code == KafkaError.NON_EMPTY_GROUP:
            # A named member keeps its place until its session ends, and gets it back when it returns.
            asked = [ConsumerGroupTopicPartitions(group)]
            found = admin.list_consumer_group_offsets(asked)[group].result(10)
            return not any(place.offset >= 0 for place in found.topic_partitions)
        if code != KafkaError.GROUP_ID_NOT_FOUND:
            raise
    return True


def _await_all(futures: Mapping[str, object]) -> None:
    failed: Exception | None = None
    for future in futures.values():
        try:
            future.result(30)  # type: ignore[attr-defined]
        except KafkaException as error:
            failed = error
    if failed:
        raise failed


def _give_up_after(deadline: float, what: str) -> None:
    if time.monotonic() > deadline:
        raise BenchError(f"the {what} of the last line are still there after {CLEARED_SECONDS_MAX:.0f} s")
    time.sleep(POLL_SECONDS)


def _wait_until_it_answers(aside: Aside) -> None:
    deadline = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < deadline:
        aside.check()
        try:
            httpx.get(f"http://{aside.target}/health", timeout=2)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise BenchError(f"{aside.name} does not answer after {READY_SECONDS_MAX:.0f} s; {tail(aside.log)}")
