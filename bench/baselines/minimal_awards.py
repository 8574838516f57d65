"""
The least that awarding by a pass mark must do: poll, decode, insert the awards, publish, commit.

It looks up no schemes, stores no results, draws no codes, and has no replays, dead letters or metrics.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid5

import msgspec

from bench.baselines.clients import GATHER_MS, Record, consume, headers_of, send, standing_on
from bench.contest import PASS_MARK_PERCENT
from shared.contracts.envelope import EVENT_IDS
from shared.contracts.events import AwardIssued
from shared.runtime.owned_ids import member_id

decode = msgspec.json.Decoder().decode
encode = msgspec.json.Encoder().encode
SCHEME, TITLE = "bench-certificate", "科技创新和科学技术普及知识竞赛合格证书"


async def main() -> None:
    """Run until a signal stops it."""
    async with standing_on() as (database, to):
        awards = database["awards"]
        await awards.create_index("award_code", unique=True)

        async def work(records: Sequence[Any]) -> None:
            documents: list[dict[str, Any]] = []
            issued: list[Record] = []
            now = datetime.now(UTC)
            for record in records:
                result = decode(record.value)
                if result["score_percent"] < PASS_MARK_PERCENT:
                    continue
                who, cause = result["participant_id"], result["result_id"]
                id_ = member_id(SCHEME, who)
                award = {
                    "award_code": id_[-17:],
                    "scheme_id": SCHEME,
                    "scheme_title": TITLE,
                    "kind": "certificate",
                    "tier": None,
                    "recipient_id": who,
                    "cause": cause,
                    "issued_at": now,
                }
                documents.append({"_id": id_, **award, "relayed": False})
                headers = headers_of(AwardIssued.type, str(uuid5(EVENT_IDS, id_)), who, cause)
                issued.append((who.encode(), encode({"award_id": id_, **award}), headers))
            if documents:
                await awards.insert_many(documents, ordered=False)
                await send(to, "bench.issued", issued)

        await consume(["bench.completed"], "minimal-awards", work, 2 * GATHER_MS)


if __name__ == "__main__":
    asyncio.run(main())
