"""Crowds of participants: files with their tokens for the load client, and their data in the services."""

import asyncio
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from bench.bench import Bench
from bench.contest import DISTRICT, Signer, http_request, person_of
from bench.load.client import requests_file
from shared.storage import mongo
from shared.storage.mongo import Document

INSERTED_AT_ONCE = 10_000


def crowd_of(crowd: str, count: int) -> Iterator[str]:
    """The first `count` people of a crowd."""
    return (person_of(crowd, number) for number in range(count))


def write_tokens(bench: Bench, crowd: str, count: int) -> Path:
    """Write the tokens of a crowd for the load client, one a line. The services get to know the crowd."""
    introduce(bench, crowd, count)
    path = bench.file(f"tokens-{crowd}")
    with path.open("w") as file:
        file.writelines(f"{token}\n" for token in _tokens(bench, crowd, count))
    return path


def write_starts(bench: Bench, crowd: str, count: int) -> Path:
    """Write complete requests that start an attempt, for the bare endpoint."""
    path = bench.file(f"starts-{crowd}")
    start = f"/quizzes/{bench.lab.contest.quiz_id}/attempts"
    requests_file(
        path, (http_request(start, b"", bearer=token.encode()) for token in _tokens(bench, crowd, count))
    )
    return path


def introduce(bench: Bench, crowd: str, count: int) -> None:
    """
    Make a crowd known to quiz and notifications, as if its people had registered long ago.

    Their data are written to the databases directly: another line measures registration. Nobody has given an
    address, so nobody gets a mail.
    """
    asyncio.run(_introduce(bench.lab.stack.mongo, crowd, count))


async def _introduce(url: str, crowd: str, count: int) -> None:
    people = crowd_of(crowd, count)
    async with mongo.connect(url, "kepu_quiz") as quiz, mongo.connect(url, "kepu_notifications") as notices:
        while some := list(islice(people, INSERTED_AT_ONCE)):
            await quiz["participants"].insert_many([profile(person) for person in some], ordered=False)
            await notices["contacts"].insert_many([contact(person) for person in some], ordered=False)


def profile(person: str) -> Document:
    """The document that quiz has of a person."""
    return {"_id": person, "group_id": None, "district": DISTRICT}


def contact(person: str) -> Document:
    """The document that notifications has of a person."""
    return {"_id": person, "kind": "person", "language": "zh-CN", "contact_sealed": None}


def _tokens(bench: Bench, crowd: str, count: int) -> Iterator[str]:
    signer = Signer(bench.lab.services.secrets["KEPU_TOKEN_PRIVATE_KEY"])
    return signer.sign(crowd_of(crowd, count))
