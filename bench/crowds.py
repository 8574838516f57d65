"""Crowds of participants: their tokens in files for the load client, and what services know of them."""

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
    """The tokens of a crowd, one a line, as the load client takes them; the services know these people."""
    introduce(bench, crowd, count)
    path = bench.file(f"tokens-{crowd}")
    with path.open("w") as file:
        file.writelines(f"{token}\n" for token in _tokens(bench, crowd, count))
    return path


def write_starts(bench: Bench, crowd: str, count: int) -> Path:
    """Complete requests that start an attempt, for an endpoint that needs no more."""
    path = bench.file(f"starts-{crowd}")
    start = f"/quizzes/{bench.lab.contest.quiz_id}/attempts"
    requests_file(
        path, (http_request(start, b"", bearer=token.encode()) for token in _tokens(bench, crowd, count))
    )
    return path


def introduce(bench: Bench, crowd: str, count: int) -> None:
    """
    Let quiz and notifications know a crowd, as if it had registered long ago.

    Written to their databases directly: registering is measured by a line of its own. Nobody has left an
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
    """What quiz knows of somebody."""
    return {"_id": person, "group_id": None, "district": DISTRICT}


def contact(person: str) -> Document:
    """What notifications knows of somebody."""
    return {"_id": person, "kind": "person", "language": "zh-CN", "contact_sealed": None}


def _tokens(bench: Bench, crowd: str, count: int) -> Iterator[str]:
    signer = Signer(bench.lab.services.secrets["KEPU_TOKEN_PRIVATE_KEY"])
    return signer.sign(crowd_of(crowd, count))
