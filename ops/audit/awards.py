"""Awards audited: who should have which, from results, final standings and conferrals."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from ops.audit.findings import Check, compare, kept, true_of_all
from ops.audit.log import Log
from ops.demo.ledger import Promise
from shared.storage.mongo import Database

Json: TypeAlias = dict[str, Any]


async def audit_awards(log: Log, database: Database, promises: list[Promise]) -> list[Check]:
    """Compare awards stored and told with what they should be."""
    schemes = [scheme async for scheme in database["schemes"].find()]
    awards = [award async for award in database["awards"].find()]
    by_hand = {scheme["_id"] for scheme in schemes if scheme["rule"]["type"] == "conferred"}
    # Nothing but the organiser's own word says whom to confer on: what is stored, and what was acknowledged.
    conferred = {promise.id for promise in promises if promise.kind == "conferred"}
    conferred |= {_name(award) for award in awards if award["scheme_id"] in by_hand}
    expected = conferred | set(_certificates(log, schemes)) | set(_prizes(log, schemes))
    issued, revoked = log.events("award.issued"), log.events("award.revoked")
    by_id = {award["_id"]: award for award in awards}
    return [
        compare("awards are given", expected, (_name(award) for award in awards)),
        compare("awards are told (award.issued)", by_id, (e.body["award_id"] for e in issued)),
        true_of_all(
            "what is told is what is stored",
            (e.id for e in issued if not _same(e.body, by_id.get(e.body["award_id"], {}))),
            len(issued),
        ),
        compare(
            "revocations are told (award.revoked)",
            (award["_id"] for award in awards if award.get("revoked_at")),
            (e.body["award_id"] for e in revoked),
        ),
        kept(
            "revocations acknowledged hold",
            (promise.id for promise in promises if promise.kind == "revoked"),
            (award["_id"] for award in awards if award.get("revoked_at")),
        ),
    ]


def _same(told: Json, stored: Json) -> bool:
    fields = ("award_code", "scheme_id", "kind", "tier", "recipient_id", "cause")
    return all(told[name] == stored.get(name) for name in fields)


def _name(award: Json) -> str:
    return name_of(award["scheme_id"], award["recipient_id"], award.get("tier"))


def name_of(scheme_id: str, recipient_id: str, tier: str | None = None) -> str:
    """An award by what it says: a scheme's tier for a recipient."""
    return f"{scheme_id}/{recipient_id}" + (f"/{tier}" if tier else "")


def _certificates(log: Log, schemes: Iterable[Json]) -> Iterator[str]:
    completed = [event.body for event in log.events("quiz.completed")]
    for scheme in schemes:
        rule = scheme["rule"]
        if rule["type"] == "pass_mark":
            for result in completed:
                if result["quiz_id"] == rule["quiz_id"] and result["score_percent"] >= rule["score_percent"]:
                    yield name_of(scheme["_id"], result["participant_id"])


def _prizes(log: Log, schemes: Iterable[Json]) -> Iterator[str]:
    closed: Mapping[str, Json] = {event.body["quiz_id"]: event.body for event in log.events("quiz.closed")}
    for scheme in schemes:
        rule = scheme["rule"]
        if rule["type"] != "rank_tiers" or rule["quiz_id"] not in closed:
            continue
        for standing in closed[rule["quiz_id"]]["standings"]:
            places = 0
            for tier in rule["tiers"]:
                places += tier["places"]
                # Who ranks within the places of this tier and of those above it has it, ties included.
                if standing["rank"] <= places:
                    yield name_of(scheme["_id"], standing["participant_id"], tier["tier"])
                    break
