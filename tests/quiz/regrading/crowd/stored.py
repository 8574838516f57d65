"""What the databases have, compared with what is expected: results, standings, awards and messages."""

from collections import Counter, defaultdict
from collections.abc import Mapping

from ops.deployment.databases import Databases
from tests.quiz.regrading.crowd.check import Wrong, writing
from tests.quiz.regrading.crowd.contest import PASS_PERCENT, Json, ranks
from tests.quiz.regrading.crowd.crowd import SCHEMES
from tests.quiz.regrading.crowd.expected import CORRECTIONS, Expected


async def wrong_in_databases(of: Expected, databases: Databases) -> list[str]:
    """What is wrong in the databases."""
    found: list[str] = []
    for compared in (_results, _standings, _awards, _messages):
        await compared(of, databases, writing(found))
    return found


async def _results(of: Expected, databases: Databases, wrong: Wrong) -> None:
    bad, seen = [], set()
    async for one in databases.quiz["results"].find({}, {"answers": 0}):
        id_ = one["_id"]
        seen.add(id_)
        half_points = of.attempts[id_].half_points[CORRECTIONS]
        version = 1 + len(of.regraded.get(id_, ()))
        if (one["halves"], one["passed"], one.get("version", 1), one["submission_id"]) != (
            half_points,
            of.rules.passes(half_points),
            version,
            of.attempts[id_].submission_id,
        ):
            bad.append(id_)
    wrong("results whose points, version or submission are wrong", bad)
    wrong("results of no attempt, or missing", seen ^ of.attempts.keys())


async def _standings(of: Expected, databases: Databases, wrong: Wrong) -> None:
    stored = {
        one["_id"].partition("/")[2]: one["order"] async for one in databases.quiz["standings"].find({})
    }
    best = of.best(CORRECTIONS)
    wrong("standings", [who for who in stored.keys() | best if stored.get(who) != best.get(who)])


async def _awards(of: Expected, databases: Databases, wrong: Wrong) -> None:
    """Certificates for what some version has earned, and for all that the last one earns; prizes by rank."""
    earned: dict[int, tuple[set[str], set[str]]] = {}
    for percent in (PASS_PERCENT, 90):
        earned[percent] = set(), set()
        for id_, entry in of.completed.items():
            one = of.attempts[id_]
            versions = {int(2 * entry.body["points"]), one.half_points[CORRECTIONS]}
            versions |= {int(2 * body["points"]) for body in of.regraded.get(id_, ())}
            if of.rules.passes(one.half_points[CORRECTIONS], percent):
                earned[percent][0].add(one.participant_id)
            if any(of.rules.passes(points, percent) for points in versions):
                earned[percent][1].add(one.participant_id)
    issued: dict[str, Counter[tuple[str, str | None]]] = defaultdict(Counter)
    async for one in databases.awards["awards"].find({}):
        issued[one["scheme_id"]][one["recipient_id"], one.get("tier")] += 1
    rank = ranks(of.best(CORRECTIONS))
    for scheme_id, rule in SCHEMES.items():
        given = issued[scheme_id]
        wrong(f"{scheme_id} twice", [who for who, times in given.items() if times > 1])
        if "tiers" in rule:
            wrong(scheme_id, given.keys() ^ _prizes(rule, rank))
        else:
            people = {who for who, _ in given}
            must, may = earned[rule["score_percent"]]
            wrong(f"{scheme_id} missing", must - people)
            wrong(f"{scheme_id} that no version earns", people - may)
    told = {(one.body["scheme_id"], one.body["recipient_id"]) for one in of.log.events("award.issued")}
    stored = {(scheme_id, who) for scheme_id, given in issued.items() for who, _ in given}
    wrong("awards that are not told of, or not there", told ^ stored)


def _prizes(rule: Json, rank: Mapping[str, int]) -> set[tuple[str, str | None]]:
    """Each tier goes to all whose rank is within its places and those before."""
    prizes: set[tuple[str, str | None]] = set()
    places = 0
    for tier in rule["tiers"]:
        prizes |= {
            (who, tier["tier"]) for who, one in rank.items() if places < one <= places + tier["places"]
        }
        places += tier["places"]
    return prizes


async def _messages(of: Expected, databases: Databases, wrong: Wrong) -> None:
    """One message in the inbox for each result, each change and each award; it says the points."""
    expected: dict[str, tuple[str, float | None, float | None]] = {}
    for topic, to in (
        ("quiz.completed", "participant_id"),
        ("quiz.regraded", "participant_id"),
        ("award.issued", "recipient_id"),
    ):
        for entry in of.log.events(topic):
            body = entry.body
            expected[entry.id] = body[to], body.get("points_before"), body.get("points")
    found: Counter[str] = Counter()
    bad = []
    async for one in databases.notifications["messages"].find({"channel": "inbox"}):
        facts = one["facts"]
        said = one["participant_id"], facts.get("points_before"), facts.get("points")
        found[one["cause"]["id"]] += 1
        if expected.get(one["cause"]["id"]) != said:
            bad.append(one["cause"]["id"])
    wrong("messages that say something else, or of nothing", bad)
    wrong("events without a message", expected.keys() - found)
    wrong("events with two messages", [id_ for id_, times in found.items() if times > 1])
