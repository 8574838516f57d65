"""
Intake as it is usually written: FastAPI, a pydantic body, `await broker.publish`, one message at a time.

It checks no token, which makes it faster. Its producer is as durable as ours: acks from all, idempotent.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

from fastapi import FastAPI
from faststream.kafka import KafkaBroker
from pydantic import BaseModel, Field

from bench.baselines.clients import serve, setting
from shared.contracts.checked import Id
from shared.contracts.events import ANSWERS_MAX, Letters

broker = KafkaBroker(setting("kafka"), acks="all", enable_idempotence=True, compression_type="zstd")


class Answers(BaseModel):
    answers: Annotated[dict[Id, Letters], Field(max_length=ANSWERS_MAX)]


class Submitted(BaseModel):
    attempt_id: str
    submitted_at: datetime
    answers: dict[str, str]


class Receipt(BaseModel):
    receipt_id: str
    attempt_id: str
    received_at: datetime


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    await broker.start()
    yield
    await broker.stop()


app = FastAPI(lifespan=lifespan)


@app.post("/attempts/{attempt_id}/submission", status_code=202)
async def submit(attempt_id: str, given: Answers) -> Receipt:
    """Validate, publish, answer."""
    now = datetime.now(UTC)
    event = Submitted(attempt_id=attempt_id, submitted_at=now, answers=given.answers)
    await broker.publish(event, setting("topic"), key=attempt_id.encode())
    return Receipt(receipt_id=str(uuid4()), attempt_id=attempt_id, received_at=now)


if __name__ == "__main__":
    serve(app)
