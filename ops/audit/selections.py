"""
The audit of selections: rankings, candidates and winners, computed again from the published scores and votes.

Nothing here uses the services' code. What the awards of a selection have to be, ops/audit/awards.py compares.
"""

import hashlib
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any, TypeAlias

from ops.audit.findings import Check, compare, true_of_all
from ops.audit.log import Log
from shared.storage.mongo import Database

Json: TypeAlias = dict[str, Any]
Pair: TypeAlias = tuple[str, str]
OPENED, SCORED = "selection.opened", "selection.scored"
NOMINATED, ADMITTED = "selection.nominated", "selection.admitted"
SHORTLISTED, DECIDED = "selection.shortlisted", "selection.decided"
OBJECTED = "award.objected"
TERMS = (
    "title",
    "scheme_id",
    "places",
    "candidates_at_most",
    "notice_seconds",
    "experts_per_nominee",
    "drop_extremes",
)
TIMES = ("nominations_from", "nominations_until", "scoring_until")
EXTREMES_FROM = 5


def winners(log: Log) -> Iterator[tuple[str, str]]:
    """The scheme and the recipient of each award that follows from a selection."""
    schemes = {id_: event["scheme_id"] for id_, event in last_of(log, OPENED).items()}
    for id_, event in last_of(log, DECIDED).items():
        yield from ((schemes[id_], winner) for winner in event["winners"])


async def audit_selections(log: Log, database: Database) -> list[Check]:
    """Compare selections and their events with what follows from scores and votes."""
    stored = {one["_id"]: one async for one in database["selections"].find() if "terms" in one}
    nominees = {one["_id"]: one async for one in database["selection_nominees"].find()}
    erased = {event.key for event in log.events("participant.erased")}
    opened, shortlisted, decided = (last_of(log, topic) for topic in (OPENED, SHORTLISTED, DECIDED))
    revealed = [(id_, score) for id_, event in shortlisted.items() for score in event["scores"]]
    counting = await _counting(database, nominees, shortlisted)
    people = [place async for place in _people(database)]
    return [
        true_of_all(
            "the erased are in no selection and no objection",
            (place for place, who in people if who in erased),
            len(people),
        ),
        compare(
            "selections are published (selection.opened)",
            (f"{id_}/{n}" for id_, one in stored.items() for n in range(1, one["version"] + 1)),
            (f"{one.key}/{one.body['version']}" for one in log.events(OPENED)),
        ),
        true_of_all(
            "selections are as published",
            (id_ for id_, one in stored.items() if not _same_terms(one["terms"], opened.get(id_, {}))),
            len(stored),
        ),
        true_of_all("nominees are as published", _nominees_wrong(log, nominees, erased), len(nominees)),
        true_of_all("published scores match their commitments", uncommitted(log, revealed), len(revealed)),
        true_of_all(
            "all scores that count are published, as stored",
            _unrevealed(counting, revealed),
            len(counting),
        ),
        true_of_all(
            "rankings follow from the published scores",
            (id_ for id_, one in shortlisted.items() if ranking_of(opened[id_], one) != ranks_in(one)),
            len(shortlisted),
        ),
        true_of_all(
            "candidates are the best of the ranking",
            (id_ for id_, one in shortlisted.items() if not are_best(opened[id_], one)),
            len(shortlisted),
        ),
        compare(
            "candidates are published (selection.shortlisted)",
            await _with_candidates(database),
            _once(log, SHORTLISTED),
        ),
        compare(
            "votes are published (selection.decided)", await _with_verdict(database), _once(log, DECIDED)
        ),
        *_decision_checks(log, decided, opened, shortlisted, erased),
    ]


def _decision_checks(
    log: Log,
    decided: Mapping[str, Json],
    opened: Mapping[str, Json],
    shortlisted: Mapping[str, Json],
    erased: Collection[str],
) -> list[Check]:
    return [
        true_of_all(
            "winners follow from the votes, after the notice and all objections",
            wrongly_decided(log, decided, opened, shortlisted, erased),
            len(decided),
        ),
        true_of_all(
            "an upheld objection left the candidate out of the vote, and nobody else was",
            _wrongly_left_out(log, decided, shortlisted, erased),
            len(decided),
        ),
    ]


async def _people(database: Database) -> AsyncIterator[Pair]:
    """Who is in a selection as nominee, nominator, expert or objector: the place, and the participant."""
    for name, fields in (
        ("selection_nominees", ("participant_id",)),
        ("selection_nominations", ("participant_id", "nominator_id")),
        ("selection_scores", ("participant_id", "expert_id")),
        ("objections", ("recipient_id", "objector_id")),
    ):
        async for one in database[name].find():
            for field in fields:
                if one.get(field) is not None:
                    yield f"{name}/{one['_id']}", one[field]
    async for one in database["selection_panels"].find():
        for expert in one["expert_ids"]:
            yield f"selection_panels/{one['_id']}", expert


def last_of(log: Log, topic: str) -> dict[str, Json]:
    """By selection, the event of the highest version."""
    found: dict[str, Json] = {}
    for event in log.events(topic):
        if event.body["version"] > found.get(event.key, {}).get("version", 0):
            found[event.key] = event.body
    return found


def _once(log: Log, topic: str) -> list[str]:
    return [event.key for event in log.events(topic)]


async def _with_candidates(database: Database) -> list[str]:
    return [one["_id"] async for one in database["selection_choices"].find()]


async def _with_verdict(database: Database) -> list[str]:
    return [one["_id"] async for one in database["selection_choices"].find({"verdict": {"$ne": None}})]


def _same_terms(terms: Json, event: Json) -> bool:
    criteria = [(one["id"], one["title"], one["weight"], one["points_max"]) for one in terms["criteria"]]
    return (
        all(terms[name] == event.get(name) for name in TERMS)
        and all(terms[name] == datetime.fromisoformat(event[name]) for name in TIMES)
        and criteria
        == [(one["id"], one["title"], one["weight"], one["points_max"]) for one in event["criteria"]]
    )


def _of_nominees(log: Log) -> dict[str, dict[int, Json]]:
    """By nominee of a selection and version, the events of both topics; one version has one event."""
    found: dict[str, dict[int, Json]] = {}
    for topic in (NOMINATED, ADMITTED):
        for event in log.events(topic):
            body = event.body
            of = found.setdefault(f"{body['selection_id']}/{body['participant_id']}", {})
            # Two events of one version are as wrong as none.
            of[body["version"]] = {} if body["version"] in of else body
    return found


def _nominees_wrong(log: Log, nominees: Mapping[str, Json], erased: Collection[str]) -> Iterator[str]:
    published = _of_nominees(log)
    for id_, events in published.items():
        if id_ not in nominees and id_.partition("/")[2] not in erased:
            yield id_
        if set(events) != set(range(1, len(events) + 1)):
            yield id_
    for id_, one in nominees.items():
        events = published.get(id_, {})
        state: Json = {"withdrawn": False, "admitted": None, "code": None}
        for version in sorted(events):
            state |= {name: value for name, value in events[version].items() if name in state}
        withdrawn = one.get("withdrawn_at") is not None
        said = (len(events), state["withdrawn"], state["admitted"], state["code"])
        if said != (one["version"], withdrawn, one.get("admitted"), one.get("code")):
            yield id_


def _withdrawn(log: Log) -> set[str]:
    return {
        id_ for id_, events in _of_nominees(log).items() for one in events.values() if one.get("withdrawn")
    }


def uncommitted(log: Log, revealed: Iterable[tuple[str, Json]]) -> Iterator[str]:
    last: dict[str, Json] = {}
    for event in log.events(SCORED):
        body = event.body
        name = f"{body['selection_id']}/{body['expert_id']}/{body['participant_id']}"
        if body["version"] > last.get(name, {}).get("version", 0):
            last[name] = body
    for id_, one in revealed:
        name = f"{id_}/{one['expert_id']}/{one['participant_id']}"
        points = ",".join(str(given) for given in one["points"])
        text = f"{one['salt']}|{id_}|{one['expert_id']}|{one['participant_id']}|{one['version']}|{points}"
        said = last.get(name, {})
        digest = hashlib.sha256(text.encode()).hexdigest()
        if (said.get("version"), said.get("commitment")) != (one["version"], digest):
            yield name


async def _counting(
    database: Database, nominees: Mapping[str, Json], shortlisted: Collection[str]
) -> dict[str, list[int]]:
    """The stored points of experts who judge nominees who stand, in selections with candidates."""
    panels = {one["_id"]: one["assigned"] async for one in database["selection_panels"].find()}
    found: dict[str, list[int]] = {}
    async for one in database["selection_scores"].find():
        id_, nominee = one["selection_id"], one["participant_id"]
        of = nominees.get(f"{id_}/{nominee}", {})
        stands = of.get("admitted") is True and of.get("withdrawn_at") is None
        judges = one["expert_id"] in panels.get(id_, {}).get(nominee, ())
        if id_ in shortlisted and stands and judges:
            found[f"{id_}/{one['expert_id']}/{nominee}"] = one["given"][-1]["points"]
    return found


def _unrevealed(counting: Mapping[str, list[int]], revealed: Iterable[tuple[str, Json]]) -> Iterator[str]:
    shown = {f"{id_}/{one['expert_id']}/{one['participant_id']}": one["points"] for id_, one in revealed}
    yield from (name for name, points in counting.items() if shown.get(name) != points)


def ranking_of(terms: Json, event: Json) -> list[tuple[int, str, str, int]]:
    """The ranking that follows from the scores of an event."""
    scores: dict[str, list[Fraction]] = {}
    weights = sum(one["weight"] for one in terms["criteria"])
    for one in event["scores"]:
        total = Fraction(0)
        for criterion, points in zip(terms["criteria"], one["points"], strict=True):
            total += Fraction(100 * criterion["weight"] * points, criterion["points_max"] * weights)
        scores.setdefault(one["participant_id"], []).append(total)
    means: dict[str, Fraction] = {}
    for nominee, given in scores.items():
        drops = terms["drop_extremes"] and len(given) >= EXTREMES_FROM
        kept = sorted(given)[1:-1] if drops else given
        means[nominee] = sum(kept, Fraction(0)) / len(kept)
    return sorted(
        (
            1 + sum(other > mean for other in means.values()),
            nominee,
            f"{float(round(mean * 10_000)) / 10_000:.4f}",
            len(scores[nominee]),
        )
        for nominee, mean in means.items()
    )


def ranks_in(event: Json) -> list[tuple[int, str, str, int]]:
    ranking = event["ranking"]
    return sorted((one["rank"], one["participant_id"], one["score"], one["experts"]) for one in ranking)


def are_best(terms: Json, event: Json) -> bool:
    ranks = {one["participant_id"]: one["rank"] for one in event["ranking"]}
    chosen = set(event["candidates"])
    if not chosen <= ranks.keys() or len(chosen) > terms["candidates_at_most"]:
        return False
    worst = max((ranks[one] for one in chosen), default=0)
    return all(rank > worst for one, rank in ranks.items() if one not in chosen)


def _objected(log: Log, selection_id: str) -> Iterator[tuple[str, str]]:
    """What was decided about each objection to a candidate: the candidate, and `made` if nothing was."""
    last: dict[str, Json] = {}
    for event in log.events(OBJECTED):
        body = event.body
        if (
            body.get("selection_id") == selection_id
            and body["version"] > last.get(body["objection_id"], {"version": 0})["version"]
        ):
            last[body["objection_id"]] = body
    yield from ((one["recipient_id"], one["status"]) for one in last.values())


def wrongly_decided(
    log: Log,
    decided: Mapping[str, Json],
    opened: Mapping[str, Json],
    shortlisted: Mapping[str, Json],
    erased: Collection[str],
) -> Iterator[str]:
    for id_, event in decided.items():
        notice, votes = shortlisted.get(id_), event["votes"]
        if (
            notice is None
            or datetime.fromisoformat(event["decided_at"]) < datetime.fromisoformat(notice["notice_until"])
            or any(status == "made" and who not in erased for who, status in _objected(log, id_))
            or not {one["participant_id"] for one in votes} <= {*notice["candidates"]}
            or event["winners"] != _elected(votes, event["members"])[: opened[id_]["places"]]
        ):
            yield id_


def _wrongly_left_out(
    log: Log, decided: Mapping[str, Json], shortlisted: Mapping[str, Json], erased: Collection[str]
) -> Iterator[str]:
    withdrawn = _withdrawn(log)
    for id_, event in decided.items():
        upheld = {who for who, status in _objected(log, id_) if status == "upheld"}
        left_out, voted = {*event["left_out"]}, {one["participant_id"] for one in event["votes"]}
        candidates = {*shortlisted.get(id_, {}).get("candidates", ())}
        may_be = upheld | {one for one in candidates if f"{id_}/{one}" in withdrawn}
        # Whoever was erased before the vote is in neither of the two.
        forgotten = candidates - left_out - voted - {*erased}
        if not upheld - {*erased} <= left_out <= may_be or forgotten or voted & left_out:
            yield id_


def _elected(votes: Iterable[Json], members: int) -> list[str]:
    """Who has more than half of the votes, most votes first."""
    by_votes = sorted(votes, key=lambda one: (-one["votes_for"], one["participant_id"]))
    return [one["participant_id"] for one in by_votes if 2 * one["votes_for"] > members]
