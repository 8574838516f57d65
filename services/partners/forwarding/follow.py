"""Follow the file of partners: run a consumer for each partner in it, and end those of partners that go."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from services.partners.forwarding.handlers import Forwarder, subscription
from services.partners.forwarding.rules import BATCH_EVENTS_MAX, share_of
from services.partners.forwarding.windows import Looking, Window
from shared.contracts.partners import FILE_BYTES_MAX, Partner, read_partners
from shared.contracts.topics import LIVE
from shared.messaging.connection import Kafka
from shared.messaging.consumer import Consumer
from shared.messaging.consuming import consuming
from shared.messaging.policy import ConsumerPolicy
from shared.messaging.publisher import Publisher
from shared.runtime.errors import Unavailable

log = logging.getLogger(__name__)

READ_AGAIN_SECONDS = 1.0
LOOP = "partners_file"
POLICY = ConsumerPolicy(batch_events_max=BATCH_EVENTS_MAX)
# The group that decides the records of each shared topic.
GROUPS: Mapping[str, str] = {topic.name: topic.groups[0] for topic in LIVE if topic.groups}


@dataclass(slots=True)
class _Following:
    """A partner whose records are read, by a task of its own: what opens a consumer has to close it."""

    partner: Partner
    windows: Mapping[str, Window]
    consumers: list[Consumer] = field(default_factory=list)
    task: asyncio.Task[None] | None = None


class Bridge:
    """
    The consumers of all partners in this process.

    Args:
        file: of partners; read again when it changes.
        instance: names this process for static membership.
    """

    def __init__(
        self, file: Path, kafka: Kafka, publisher: Publisher, looking: Looking, *, instance: str = ""
    ) -> None:
        self._file = file
        self._kafka = kafka
        self._publisher = publisher
        self._looking = looking
        self._instance = instance
        self._read: bytes | None = None
        self._following: dict[str, _Following] = {}

    @property
    def consumers(self) -> list[Consumer]:
        """The consumers that are there now."""
        return [consumer for one in self._following.values() for consumer in one.consumers]

    async def turn(self) -> float:
        """
        Read the file, and begin and end what has changed; returns the seconds until the next time.

        Raises:
            Unavailable: the file cannot be read or is refused. The partners read before go on.
        """
        # In a thread: the file may be on a network that hangs.
        content = await asyncio.to_thread(_content, self._file)
        if content != self._read:
            try:
                wanted = {partner.name: partner for partner in read_partners(content).partners}
            except ValueError as error:
                raise Unavailable(f"the file of partners is refused: {error}") from None
            await self._change(wanted)
            self._read = content
            log.info("partners read", extra={"partners": len(wanted)})
        for one in self._following.values():
            if one.task is None or one.task.done():
                self._begin(one)
        return READ_AGAIN_SECONDS

    async def check(self) -> str | None:
        """A health check: which partners are not read, and why; None while all are."""
        problems = [
            f"{consumer.group}: {problem}" for consumer in self.consumers if (problem := consumer.problem())
        ]
        return "; ".join(problems) or None

    async def close(self) -> None:
        """End all consumers. Each finishes its present batch if that takes no time."""
        await self._change({})

    async def _change(self, wanted: Mapping[str, Partner]) -> None:
        gone = [name for name, one in self._following.items() if wanted.get(name) != one.partner]
        await asyncio.gather(*[self._end(self._following.pop(name)) for name in gone])
        for name, partner in wanted.items():
            if name not in self._following:
                windows = {topic: self._looking.window(topic, 0) for topic in partner.writes}
                self._following[name] = _Following(partner, windows)
        for one in self._following.values():
            for topic, window in one.windows.items():
                window.widen(share_of(topic, self._writers_of(topic)))

    def _writers_of(self, topic: str) -> int:
        return sum(topic in one.windows for one in self._following.values())

    def _begin(self, one: _Following) -> None:
        if not one.partner.writes:
            return
        if one.task is not None and not one.task.cancelled() and (error := one.task.exception()):
            log.error("a partner's consumer ended; it begins again", exc_info=error)
        one.task = asyncio.create_task(self._run(one), name=one.partner.group)

    async def _run(self, one: _Following) -> None:
        forwarder = Forwarder(one.partner, one.windows, self._publisher)
        subscriptions = [subscription(one.partner, forwarder)]
        running = consuming(
            self._kafka, subscriptions, self._publisher, instance=self._instance, policy=POLICY
        )
        async with running as one.consumers:
            await asyncio.Event().wait()

    async def _end(self, one: _Following) -> None:
        if one.task is not None:
            one.task.cancel()
            with suppress(asyncio.CancelledError):
                await one.task
        self._looking.close([*one.windows.values()])


def _content(file: Path) -> bytes:
    """What stands in the file; one that nobody has written yet has no partners."""
    try:
        with file.open("rb") as opened:
            return opened.read(FILE_BYTES_MAX + 1)
    except FileNotFoundError:
        return b"{}"
    except OSError as error:
        raise Unavailable(f"the file of partners cannot be read: {error.strerror}") from None
