"""The audit of draws: each is computed again from its list and seed, and compared with what is published."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from ops.audit import tiers
from ops.audit.findings import Check, compare, true_of_all
from ops.audit.log import Log
from ops.draws.verify import drawn, holders
from shared.storage.mongo import Database

Json: TypeAlias = dict[str, Any]
Place: TypeAlias = tuple[str, int]


async def audit_draws(log: Log, database: Database) -> list[Check]:
    """Compare the draws published with those that their lists and seeds give, and with those stored."""
    stored = {(one["draw_id"], one["number"]): one async for one in database["drawings"].find()}
    texts = {place: await text_of_list(database, one["list_id"]) for place, one in stored.items()}
    schemes = {one["_id"]: one async for one in database["schemes"].find()}
    announced, held = latest(log, "draw.announced"), latest(log, "award.drawn")
    return [
        true_of_all(
            "winners are those of the list and the seed",
            wrongly_drawn(announced, held, texts),
            len(held),
        ),
        true_of_all(
            "lots are drawn among the tied",
            _among_others(log, announced, texts, schemes),
            len(announced),
        ),
        compare(
            "draws are as published",
            (_named(place, one) for place, one in stored.items()),
            (_named(place, one) for place, one in {**announced, **held}.items()),
        ),
    ]


def latest(log: Log, topic: str) -> dict[Place, Json]:
    """The highest version of each drawing in a topic."""
    found: dict[Place, Json] = {}
    for event in log.events(topic):
        body = event.body
        place = body["draw_id"], body["number"]
        if place not in found or body["version"] > found[place]["version"]:
            found[place] = body
    return found


def names_by_draw(log: Log) -> Iterator[tuple[str, str, str]]:
    """The awards that draws give: scheme, recipient and tier. A drawing that was replaced gives none."""
    for body in latest(log, "award.drawn").values():
        if body["replaced_because"] is None:
            moved = [move["entrant_id"] for move in body["moved"]]
            for one, tier in holders(body["prizes"], body["drawn"], moved).items():
                yield body["scheme_id"], one, tier


def _named(place: Place, one: Json) -> str:
    return f"{place[0]}/{place[1]}/{one['version']}/{len(one.get('drawn', ()))}/{one['list_sha256']}"


def wrongly_drawn(
    announced: Mapping[Place, Json], held: Mapping[Place, Json], texts: Mapping[Place, str]
) -> Iterable[str]:
    for place, body in held.items():
        said, text = announced.get(place), texts.get(place, "")
        count = sum(prize["places"] for prize in body["prizes"]) + (said["reserves"] if said else 0)
        if (
            said is None
            or said["list_sha256"] != body["list_sha256"]
            or datetime.fromisoformat(said["announced_at"]) > datetime.fromisoformat(body["held_at"])
            or drawn(text, body["seed"], count) != body["drawn"]
        ):
            yield f"{place[0]}/{place[1]}"


def _among_others(
    log: Log, announced: Mapping[Place, Json], texts: Mapping[Place, str], schemes: Mapping[str, Json]
) -> Iterator[str]:
    """The draws among tied people whose lists have others, or nobody of the tie."""
    for place, said in announced.items():
        if (tie := said.get("tied")) is None:
            continue
        scheme = schemes[tie["scheme_id"]]
        listed = {line.split(" ")[0] for line in texts.get(place, "").splitlines()}
        closings = [event.body for event in log.events("quiz.closed")]
        if not any(
            _is_of_tie(listed, scheme, closing, tie["tier"])
            for closing in closings
            if closing["quiz_id"] == scheme["rule"]["quiz_id"]
        ):
            yield f"{place[0]}/{place[1]}"


def _is_of_tie(entrants: set[str], scheme: Json, closing: Json, tier: str) -> bool:
    tied, others = tiers.tied_at(scheme, closing, tier)
    # Who was disqualified, erased or excluded is missing. Whoever is not listed may be in the tie.
    goes_on = closing["participants"] > len(closing["standings"])
    return bool(tied) and not entrants & others and (goes_on or entrants <= tied)


async def text_of_list(database: Database, list_id: str) -> str:
    """The text of a list of entrants."""
    # "0" follows "/" in ASCII.
    pieces = database["draw_lists"].find({"_id": {"$gt": f"{list_id}/", "$lt": f"{list_id}0"}}).sort("_id", 1)
    return "".join([piece["text"] async for piece in pieces])
