"""
Computes a draw again from the public answers alone: the JSON of the draw and its list of entrants.

It stands alone: the standard library, nothing of this project. The rule, and why each step matters:
docs/draws.md
"""

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import accumulate, pairwise
from typing import Any

ALGORITHM = "kepu_draw_1"
NUMBERS = 2**64


def drawn(text: str, seed: str, count: int) -> list[str]:
    """Who is drawn from this list by this seed, in order."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    lines = [line.split(" ") for line in text.splitlines()]
    chances = [int(chances) for _, chances in lines]
    found: list[str] = []
    place = 0
    while len(found) < count and any(chances):
        place += 1
        ends = list(accumulate(chances))
        number = int.from_bytes(hashlib.sha256(f"{digest}/{seed}{place}".encode()).digest()[:8], "big")
        if number < NUMBERS - NUMBERS % ends[-1]:
            at = bisect_right(ends, number % ends[-1])
            found.append(lines[at][0])
            chances[at] = 0
    return found


def differences(draw: Mapping[str, Any], text: str) -> list[str]:
    """
    What differs from what the service says, in sentences; empty if everything agrees.

    Args:
        draw: the JSON of `GET /draws/{draw_id}`.
        text: the body of `GET /draws/{draw_id}/entrants.txt`.
    """
    return [words for step in STEPS for words in step(draw, text)]


def _rule(draw: Mapping[str, Any], text: str) -> Iterator[str]:
    if draw["algorithm"] != ALGORITHM:
        yield f"rule: it is {draw['algorithm']}, and this program knows {ALGORITHM}"


def _list(draw: Mapping[str, Any], text: str) -> Iterator[str]:
    digest = hashlib.sha256(text.encode()).hexdigest()
    if digest != draw["list_sha256"]:
        yield f"list: its SHA-256 is {digest}, and {draw['list_sha256']} was announced"
    try:
        lines = [(one, int(chances)) for one, chances in (line.split(" ") for line in text.splitlines())]
    except ValueError:
        yield 'list: a line is not "id chances"'
        return
    if any(before >= after for (before, _), (after, _) in pairwise(lines)):
        yield "list: the ids are not in rising order, each once"
    if any(chances < 1 for _, chances in lines):
        yield "list: somebody has no chance"
    if len(lines) != draw["entrants"] or sum(chances for _, chances in lines) != draw["chances"]:
        yield f"list: it does not have {draw['entrants']} entrants and {draw['chances']} chances"


def _seed(draw: Mapping[str, Any], text: str) -> Iterator[str]:
    if draw["seed"] is None:
        return
    parts = draw["seed"].split("/")[:-1]
    if len(parts) != len(draw["sources"]):
        yield f"seed: it has {len(parts)} parts, and {len(draw['sources'])} sources were announced"
        return
    for source, part in zip(draw["sources"], parts, strict=True):
        if source["sha256"] is not None:
            if hashlib.sha256(part.encode()).hexdigest() != source["sha256"]:
                yield f"seed: the secret of {source['description']} is not the one that was announced"
            continue
        numbers = part.split(".")
        if numbers.pop() or not numbers or not all(number.isdigit() for number in numbers):
            yield f"seed: the part of {source['description']} is not numbers, each with a full stop"
        elif [str(number) for number in sorted(map(int, numbers))] != numbers:
            yield f"seed: the numbers of {source['description']} are not in rising order"
        if _moment(source["expected_at"]) <= _moment(draw["announced_at"]):
            yield f"seed: {source['description']} was drawn before the list was announced"
        if _moment(source["expected_at"]) > _moment(draw["held_at"]):
            yield f"seed: {source['description']} was used before it was drawn"


def _drawn(draw: Mapping[str, Any], text: str) -> Iterator[str]:
    if draw["seed"] is None:
        return
    count = sum(prize["places"] for prize in draw["prizes"]) + draw["reserves"]
    said = [one["entrant_id"] for one in draw["drawn"]]
    computed = drawn(text, draw["seed"], count)
    if computed == said:
        return
    if len(computed) != len(said):
        yield f"drawn: {len(computed)} are drawn by the rule, and the service says {len(said)}"
    for place, (ours, theirs) in enumerate(zip(computed, said, strict=False), 1):
        if ours != theirs:
            yield f"drawn: number {place} is {ours} by the rule, and the service says {theirs}"
            return


def _prizes(draw: Mapping[str, Any], text: str) -> Iterator[str]:
    said = {one["entrant_id"]: one["tier"] for one in draw["drawn"]}
    held = {} if draw["replaced_because"] is not None else holders(draw["prizes"], list(said), draw["moved"])
    for one, tier in said.items():
        if held.get(one) != tier:
            yield f"prizes: {one} holds {held.get(one)} by the rule, and the service says {tier}"
            return


STEPS: tuple[Callable[[Mapping[str, Any], str], Iterator[str]], ...] = (_rule, _list, _seed, _drawn, _prizes)


def holders(prizes: Sequence[Mapping[str, Any]], said: Sequence[str], moved: Sequence[str]) -> dict[str, str]:
    """Who holds which prize: for each who was moved away, in order, the next reserve gets the place."""
    tiers = [prize["tier"] for prize in prizes for _ in range(prize["places"])]
    held = dict(zip(said, tiers, strict=False))
    waiting = list(said[len(tiers) :])
    for place, one in enumerate(moved):
        tier = held.pop(one, None)
        waiting = [reserve for reserve in waiting if reserve not in moved[: place + 1]]
        if tier is not None and waiting:
            held[waiting.pop(0)] = tier
    return held


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
