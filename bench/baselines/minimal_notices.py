"""
The least that telling people can do: poll, decode, insert the messages, publish, commit.

One message a result; two an award, of which the mail goes to nobody. No contacts looked up, no replays, no
dead letters, no courier, no metrics.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid5

import msgspec

from bench.baselines.told import Record, consume, headers_of, send, standing_on
from shared.envelope import EVENT_IDS
from shared.events import NotificationDelivered

decode = msgspec.json.Decoder().decode
encode = msgspec.json.Encoder().encode
COMPLETED = ("quiz_title", "score_percent", "passed", "time_used_seconds", "completed_at")
ISSUED = ("scheme_title", "kind", "tier", "award_code", "issued_at")


async def main() -> None:
    """Until told to stop."""
    async with standing_on() as (database, to):
        messages = database["messages"]
        await messages.create_index([("participant_id", 1), ("channel", 1), ("created_at", -1), ("_id", -1)])

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
                for channel in ("inbox", "email") if awarded else ("inbox",):
                    id_ = str(uuid5(EVENT_IDS, f"{cause} {channel}"))
                    documents.append(
                        {
                            "_id": id_,
                            "participant_id": who,
                            "channel": channel,
                            "kind": "award_issued" if awarded else "quiz_completed",
                            "cause": {"id": cause, "type": headers["ce_type"].decode(), "time": now},
                            "created_at": now,
                            "state": "delivered" if channel == "inbox" else "skipped",
                            "facts": facts,
                            "finished_at": now,
                        }
                    )
                    if channel == "inbox":
                        delivered.append(_delivered(id_, who, cause, now))
            await messages.insert_many(documents, ordered=False)
            await send(to, "bench.delivered", delivered)

        await consume(["bench.completed", "bench.issued"], "minimal-notices", work)


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
