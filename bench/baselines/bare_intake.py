"""
The least that an intake must do: read the body, write it to Kafka in a group commit, answer 202.

There is no framework, no token, no validation, no headers, no metrics. The group commit is that of the
services.
"""

from collections.abc import Sequence
from typing import Any

from bench.baselines.asgi import Bare
from bench.baselines.clients import Record, producer, send, serve, setting
from services.quiz.attempts.intake import FULL_GROUP_ITEMS, ITEMS_MAX, WINDOW_SECONDS
from shared.messaging.group_commit import GroupCommit


class BareIntake(Bare):
    """POST /attempts/{attempt_id}/submission."""

    status = 202

    async def open(self) -> None:
        """Connect."""
        self._producer = producer()
        await self._producer.start()
        self._log: GroupCommit[Record, None] = GroupCommit(
            "bare",
            self._append,
            items_max=ITEMS_MAX,
            window_seconds=WINDOW_SECONDS,
            full_group_items=FULL_GROUP_ITEMS,
        )

    async def close(self) -> None:
        """Disconnect."""
        await self._producer.stop()

    async def answer(self, scope: dict[str, Any], body: bytes) -> bytes:
        """Answer when Kafka has acknowledged."""
        attempt_id = scope["path"].split("/", 3)[2]
        await self._log.add((attempt_id.encode(), body, []))
        return b'{"received":true}'

    async def _append(self, records: Sequence[Record]) -> Sequence[None]:
        await send(self._producer, setting("topic"), records)
        return [None] * len(records)


if __name__ == "__main__":
    serve(BareIntake())
