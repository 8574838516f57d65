"""
The least that notifying people must do: poll, decode, insert the messages, publish, commit.

For each event there is one message for the inbox, in its participant's range of ids. It looks up no
contacts, and has no replays, dead letters, courier or metrics.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid5

import msgspec

from bench.baselines.clients import GATHER_MS, Record, consume, headers_of, send, standing_on
from shared.contracts.envelope import EVENT_IDS
from shared.contracts.events import NotificationDelivered
from shared.runtime.owned_ids import owned_id

decode = msgspec.json.Decoder().decode
encode = msgspec.json.Encoder().encode
COMPLETED = ("quiz_title", "score_percent", "passed", "time_used_seconds", "completed_at")
ISSUED = ("scheme_title", "kind", "tier", "award_code", "issued_at")


async def main() -> None:
    """Run until a signal stops it."""
    async with standing_on() as (database, to):
        messages = database["messages"]

        async def work(records: Sequence[Any]) -> None:
            documents: list[dict[str, Any]] = []
            delivered: list[Record] = []
            now = datetime.now(UTC)
            for record in records:
                headers = dict(record.headers)
                cause = headers["ce_id"].decode()
                about = decode(record.value)
                awarded = record.topic == "bench.issued"
                who = about["recipient_id"] if awarded else about["participant_id"]
                facts = {name: about[name] for name in (ISSUED if awarded else COMPLETED)}
                id_ = owned_id(who, cause)
                documents.append(
                    {
                        "_id": id_,
                        "participant_id": who,
                        "channel": "inbox",
                        "kind": "award_issued" if awarded else "quiz_completed",
                        "cause": {"id": cause, "source": headers["ce_source"].decode(), "time": now},
                        "created_at": now,
                        "state": "delivered",
                        "facts": facts,
                    }
                )
                delivered.append(_delivered(id_, who, cause, now))
            await messages.insert_many(documents, ordered=False)
            await send(to, "bench.delivered", delivered)

        await consume(["bench.completed", "bench.issued"], "minimal-notices", work, 2 * GATHER_MS)


def _delivered(id_: str, who: str, cause: str, now: datetime) -> Record:
    value = encode(
        {
            "message_id": id_,
            "participant_id": who,
            "channel": "inbox",
            "cause_id": cause,
            "delivered_at": now,
        }
    )
    headers = headers_of(NotificationDelivered.type, str(uuid5(EVENT_IDS, id_)), who, cause)
    return who.encode(), value, headers


if __name__ == "__main__":
    asyncio.run(main())
