"""The audit of awards: the expected awards, computed from results, final standings and conferrals."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from ops.audit.corrections import passed_once, results_of_now
from ops.audit.findings import Check, compare, kept, true_of_all
from ops.audit.log import Log
from ops.deployment.ledger import Promise
from shared.storage.mongo import Database

Json: TypeAlias = dict[str, Any]


async def audit_awards(log: Log, database: Database, promises: list[Promise]) -> list[Check]:
    """Compare the stored awards and their events with the expected awards."""
    schemes = [scheme async for scheme in database["schemes"].find()]
    awards = [award async for award in database["awards"].find()]
    by_hand = {scheme["_id"] for scheme in schemes if scheme["rule"]["type"] == "conferred"}
    stored = {_name(award) for award in awards}
    # Only the organiser decides who gets a conferred award, so there are only the stored awards and the
    # promises.
    expected = {promise.id for promise in promises if promise.kind == "conferred"}
    expected |= {_name(award) for award in awards if award["scheme_id"] in by_hand}
    expected |= set(_certificates(results_of_now(log), schemes)) | set(_prizes(log, schemes))
    # What the points of then have earned stays, if the correction came later.
    expected |= stored & set(_certificates(passed_once(log), schemes))
    expected |= {name for name, decided in _tied(log, schemes) if decided or name in stored}
    issued, revoked = log.events("award.issued"), log.events("award.revoked")
    by_id = {award["_id"]: award for award in awards}
    # An erased person may get an award before the erasure, but never after it: the events decide.
    erased = {event.key for event in log.events("participant.erased")}
    expected = {name for name in expected if _recipient(name) not in erased}
    expected |= {_name(event.body) for event in issued if event.key in erased}
    return [
        compare("awards are given", expected, (_name(award) for award in awards)),
        compare("awards are published (award.issued)", by_id, (e.body["award_id"] for e in issued)),
        true_of_all(
            "what is published is what is stored",
            (e.id for e in issued if not _same(e.body, by_id.get(e.body["award_id"], {}))),
            len(issued),
        ),
        true_of_all(
            "the versions published count the changes stored",
            (e.id for e in (*issued, *revoked) if not _counts(e.topic, e.body, by_id)),
            len(issued) + len(revoked),
        ),
        compare(
            "revocations are published (award.revoked)",
            (award["_id"] for award in awards if award.get("revoked_at")),
            (e.body["award_id"] for e in revoked),
        ),
        kept(
            "revocations acknowledged hold",
            (promise.id for promise in promises if promise.kind == "revoked"),
            (award["_id"] for award in awards if award.get("revoked_at")),
        ),
    ]


def _same(published: Json, stored: Json) -> bool:
    fields = ("award_code", "scheme_id", "kind", "tier", "recipient_id", "cause")
    return all(published[name] == stored.get(name) for name in fields)


def _name(award: Json) -> str:
    return name_of(award["scheme_id"], award["recipient_id"], award.get("tier"))


def name_of(scheme_id: str, recipient_id: str, tier: str | None = None) -> str:
    """The name of an award: scheme, recipient and tier."""
    return f"{scheme_id}/{recipient_id}" + (f"/{tier}" if tier else "")


def _recipient(name: str) -> str:
    return name.split("/")[1]


def _counts(topic: str, published: Json, by_id: Mapping[str, Json]) -> bool:
    version = by_id.get(published["award_id"], {}).get("version")
    # An award is issued as version 1. Only a revocation changes it.
    if topic == "award.issued":
        return bool(published["version"] == 1)
    return bool(published["version"] == 2 == version)


def _certificates(results: Iterable[Json], schemes: Iterable[Json]) -> Iterator[str]:
    results = list(results)
    for scheme in schemes:
        rule = scheme["rule"]
        if rule["type"] == "pass_mark":
            for result in results:
                # The points decide, not the rounded percentage.
                reached = result["points"] * 100 >= rule["score_percent"] * result["points_max"]
                if result["quiz_id"] == rule["quiz_id"] and reached:
                    yield name_of(scheme["_id"], result["participant_id"])


def _ranked(log: Log, schemes: Iterable[Json]) -> Iterator[tuple[Json, Json]]:
    """The schemes that award by rank, each with the closing of its quiz."""
    closed: Mapping[str, Json] = {event.body["quiz_id"]: event.body for event in log.events("quiz.closed")}
    for scheme in schemes:
        rule = scheme["rule"]
        if rule["type"] == "rank_tiers" and rule["quiz_id"] in closed:
            yield scheme, closed[rule["quiz_id"]]


def _prizes(log: Log, schemes: Iterable[Json]) -> Iterator[str]:
    for scheme, closing in _ranked(log, schemes):
        for standing in closing["standings"]:
            if tier := _tier(scheme, standing["rank"]):
                yield name_of(scheme["_id"], standing["participant_id"], tier)


def _tied(log: Log, schemes: Iterable[Json]) -> Iterator[tuple[str, bool]]:
    """
    The people who share the rank of the last listed one, and True if the organiser has decided this tie.
    """
    for scheme, closing in _ranked(log, schemes):
        listed = {standing["participant_id"] for standing in closing["standings"]}
        last = closing["standings"][-1] if closing["standings"] else None
        tier = _tier(scheme, last["rank"]) if last and closing["participants"] > len(listed) else None
        if last is None or tier is None:
            continue
        tied = _shares(last, last.get("finished_at"), closing)
        for result in _ranked_results(log, closing):
            if result["participant_id"] in listed:
                continue
            if _shares(result, result["completed_at"], closing) == tied:
                decided = bool(scheme.get("tie_decided"))
                yield name_of(scheme["_id"], result["participant_id"], tier), decided


def _ranked_results(log: Log, closing: Json) -> list[Json]:
    """The results of a quiz that may be ranked: all, or the first or last of each participant."""
    results = [one for one in results_of_now(log) if one["quiz_id"] == closing["quiz_id"]]
    if (counts := closing.get("counts", "best")) == "best":
        return results
    sign = 1 if counts == "last" else -1
    # At the same moment the better one counts.
    results.sort(
        key=lambda one: (
            sign * datetime.fromisoformat(one["completed_at"]).timestamp(),
            one["points"],
            -one["time_used_seconds"],
        )
    )
    return list({one["participant_id"]: one for one in results}.values())


def _shares(one: Json, finished_at: str | None, closing: Json) -> tuple[object, ...]:
    """What two who share a rank have in common."""
    ties = closing.get("ties", "time_used")
    if ties == "earlier_finish":
        return one["points"], finished_at and datetime.fromisoformat(finished_at)
    return (one["points"],) if ties == "shared" else (one["points"], one["time_used_seconds"])


def _tier(scheme: Json, rank: int) -> str | None:
    """The tier of a rank, None below the last tier. Ranks that are tied are in the same tier."""
    places = 0
    for tier in scheme["rule"]["tiers"]:
        places += tier["places"]
        if rank <= places:
            return str(tier["tier"])
    return None
