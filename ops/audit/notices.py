"""
The audit of public notices: what was proposed, told, objected to, and issued after the end of the notice.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from ops.audit import tiers
from ops.audit.decisions import last_closings
from ops.audit.findings import Check, compare, true_of_all
from ops.audit.log import Log
from ops.audit.places import left_now, tier_moved
from shared.storage.mongo import Database

Json: TypeAlias = dict[str, Any]
Names: TypeAlias = Mapping[str, str | None]
"""By recipient, the tier."""


def noticed(schemes: Iterable[Json]) -> list[Json]:
    """The schemes that issue their awards after a public notice."""
    return [scheme for scheme in schemes if scheme.get("issue", {}).get("type") == "after_notice"]


async def audit_notices(
    log: Log,
    database: Database,
    schemes: Sequence[Json],
    due: Mapping[str, Names],
    erased: Collection[str],
) -> list[Check]:
    """
    Compare notices, proposals and objections with the events, and with what is due.

    Args:
        schemes: those that issue after a notice.
        due: by scheme, who is due by the results of now, if there were no objections.
    """
    notices = {one["_id"]: one async for one in database["notices"].find()}
    proposals = [one async for one in database["proposals"].find()]
    objections = [one async for one in database["objections"].find()]
    said = [event.body for event in log.events("award.proposed") if event.key not in erased]
    first = [
        event.body
        for event in log.events("award.issued")
        if event.body["version"] == 1
        and event.body["scheme_id"] in {scheme["_id"] for scheme in schemes}
        and event.key not in erased
    ]
    standing = standing_of(said, notices)
    objected = [event.body for event in log.events("award.objected") if event.key not in erased]
    # Objections to the candidates of selections are of the audit of selections.
    upheld = {
        (one["scheme_id"], one["recipient_id"])
        for one in objected
        if one["status"] == "upheld" and one.get("selection_id") is None
    }
    expected = set(_expected(log, schemes, due, notices, proposals, upheld, erased))
    return [
        compare(
            "what is proposed is what is earned, without what was objected to",
            expected,
            _found(schemes, notices, proposals, expected),
        ),
        compare(
            "proposals are published (award.proposed)",
            _told(proposals, erased),
            (f"{one['award_id']}/{one['version']}" for one in said),
        ),
        true_of_all("everybody proposed in public was told", _untold(notices, proposals), len(proposals)),
        *_award_checks(first, standing, notices, upheld),
        compare(
            "objections are published (award.objected)",
            (
                f"{one['_id']}/{n}/{one.get('outcome', 'made') if n > 1 else 'made'}"
                for one in objections
                if "recipient_id" in one and one["recipient_id"] not in erased
                for n in range(1, 3 if one.get("outcome") else 2)
            ),
            (f"{one['objection_id']}/{one['version']}/{one['status']}" for one in objected),
        ),
    ]


def _award_checks(
    first: Sequence[Json],
    standing: Mapping[str, Json],
    notices: Mapping[str, Json],
    upheld: Collection[tuple[str, str]],
) -> list[Check]:
    return [
        compare(
            "awards after a notice are those that stood in it",
            (_name(one) for one in standing.values() if one["status"] == "proposed"),
            map(_name, first),
        ),
        true_of_all(
            "no award comes before the end of its notice", early(first, standing, notices), len(first)
        ),
        true_of_all(
            "whoever was left out after an objection has no award",
            (one["award_id"] for one in first if (one["scheme_id"], one["recipient_id"]) in upheld),
            len(first),
        ),
    ]


def standing_of(said: Iterable[Json], notices: Mapping[str, Json]) -> dict[str, Json]:
    """By award, the last thing that was said of it in a confirmed version of the notice."""
    last: dict[str, Json] = {}
    for one in said:
        confirmed = notices.get(one["scheme_id"], {}).get("confirmed", 0)
        if (
            one["notice_version"] <= confirmed
            and one["version"] > last.get(one["award_id"], one | {"version": 0})["version"]
        ):
            last[one["award_id"]] = one
    return last


def early(first: Iterable[Json], standing: Mapping[str, Json], notices: Mapping[str, Json]) -> Iterator[str]:
    for one in first:
        proposed, notice = standing.get(one["award_id"]), notices.get(one["scheme_id"], {})
        issued_at = datetime.fromisoformat(one["issued_at"])
        is_last = notice.get("confirmed", 0) == notice.get("version")
        unconfirmed = is_last and notice["confirmed_at"] < notice["ends_at"]
        if proposed is None or unconfirmed or issued_at < datetime.fromisoformat(proposed["notice_until"]):
            yield one["award_id"]


def _told(proposals: Iterable[Json], erased: Collection[str]) -> Iterator[str]:
    # Those of the erased stay if their awards were issued before.
    for one in proposals:
        if one["recipient_id"] not in erased:
            yield from (f"{one['_id']}/{number}" for number in range(1, one.get("told", 0) + 1))


def _untold(notices: Mapping[str, Json], proposals: Iterable[Json]) -> Iterator[str]:
    for one in proposals:
        notice = notices.get(one["scheme_id"], {})
        stands = "code" not in one
        now = f"proposed/{one.get('tier', '')}" if stands else one["code"]
        was_shown = one["since"] <= notice.get("version", 0) and "telling" not in notice
        if was_shown and not one.get("issued") and one["told_as"] != now and (stands or one["told"]):
            yield one["_id"]


def _expected(
    log: Log,
    schemes: Iterable[Json],
    due: Mapping[str, Names],
    notices: Mapping[str, Json],
    proposals: Sequence[Json],
    upheld: Collection[tuple[str, str]],
    erased: Collection[str],
) -> Iterator[str]:
    """
    Who should be proposed, of the schemes whose quiz is closed. What was issued does not change any more.
    """
    issued = {(one["scheme_id"], one["recipient_id"]) for one in proposals if one.get("issued")}
    settled = list(_settled(schemes, notices))
    objected = {one["_id"]: {who for of, who in upheld if of == one["_id"]} for one in settled}
    left = left_now(log, settled, objected)
    for scheme in settled:
        id_ = scheme["_id"]
        out = objected[id_] | left.get(id_, set())
        names: Names = due.get(id_, {})
        if out and scheme["rule"].get("next_in_rank"):
            names = _moved_up(scheme, last_closings(log).get(scheme["rule"]["quiz_id"]), out, names)
        for recipient, tier in names.items():
            if recipient not in out and recipient not in erased and (id_, recipient) not in issued:
                yield _name({"scheme_id": id_, "recipient_id": recipient, "tier": tier})


def _found(
    schemes: Iterable[Json],
    notices: Mapping[str, Json],
    proposals: Iterable[Json],
    expected: Collection[str],
) -> Iterator[str]:
    ids = {scheme["_id"] for scheme in _settled(schemes, notices)}
    for one in proposals:
        if (
            one["scheme_id"] in ids
            and "code" not in one
            and not (one.get("issued") and _name(one) not in expected)
        ):
            yield _name(one)


def _settled(schemes: Iterable[Json], notices: Mapping[str, Json]) -> Iterator[Json]:
    """The schemes by results for which nobody is being looked for."""
    for scheme in schemes:
        notice = notices.get(scheme["_id"], {})
        if scheme["rule"]["type"] != "conferred" and notice.get("closed") and "mark" not in notice:
            yield scheme


def _moved_up(scheme: Json, closing: Json | None, out: Collection[str], names: Names) -> Names:
    """The tiers if those behind the ones who are left out move up."""
    if closing is None:
        return names
    found = dict(names)
    earned = list(tiers.earned(scheme, closing))
    gone = [one.rank for one in earned if one.standing["participant_id"] in out]
    for one in earned:
        if (moved := tier_moved(scheme, one.rank, gone)) is not None:
            found[one.standing["participant_id"]] = moved
    return found


def _name(award: Json) -> str:
    tier = award.get("tier")
    return f"{award['scheme_id']}/{award['recipient_id']}" + (f"/{tier}" if tier else "")
