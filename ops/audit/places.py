"""
Who has left a place to the next in rank, as the log says it, and the tiers then; without the services' code.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from ops.audit.decisions import last_closings, states_of_now
from ops.audit.log import Log
from ops.audit.tiers import tier_of

Json: TypeAlias = dict[str, Any]
Left: TypeAlias = Mapping[str, Collection[str]]
"""By scheme, the recipients who are left out of the ranks."""


def left_now(log: Log, schemes: Iterable[Json], more: Left) -> dict[str, set[str]]:
    """
    Who is left out now, by the schemes in which the next in rank moves up.

    If somebody has left a place, so are those below the places who cannot move up: the erased and the
    disqualified, unless they hold an award.

    Args:
        more: those against whom an objection was upheld.
    """
    found: dict[str, set[str]] = {}
    for scheme in _moving(schemes):
        id_ = scheme["_id"]
        said = _said(log, id_)
        latest = {body["recipient_id"]: body for body in said}
        left = {whom for whom, body in latest.items() if _leaves(body)} | set(more.get(id_, ()))
        if left:
            held = {whom for whom, body in latest.items() if "revoked_at" not in body}
            found[id_] = left | (_unable(log, scheme) - held)
    return found


def left_at_times(log: Log, schemes: Iterable[Json]) -> Iterator[tuple[Json, Left]]:
    """
    Each scheme with those who were left out at some time, after each revocation and reinstatement.

    Who could not move up at that time is not known any more: both all of them and none of them.
    """
    for scheme in _moving(schemes):
        left: set[str] = set()
        states: list[frozenset[str]] = []
        for body in _said(log, scheme["_id"]):
            before = frozenset(left)
            (left.add if _leaves(body) else left.discard)(body["recipient_id"])
            if before != left:
                states.append(frozenset(left))
        unable = _unable(log, scheme) if states else set()
        for state in dict.fromkeys(states):
            if state:
                yield scheme, {scheme["_id"]: state}
                yield scheme, {scheme["_id"]: state | unable}


def tier_moved(scheme: Json, rank: int, gone: Sequence[int]) -> str | None:
    """The tier of a rank if those of better ranks among `gone` do not count; None below the last tier."""
    own, _ = tier_of(scheme, rank)
    before = sum(1 for one in gone if one < rank)
    if not before or not scheme["rule"].get("next_in_rank"):
        return own
    moved, _ = tier_of(scheme, rank - before)
    if moved is None or scheme.get("on_change") == "follow":
        return moved
    return own or str(scheme["rule"]["tiers"][-1]["tier"])


def _moving(schemes: Iterable[Json]) -> list[Json]:
    return [scheme for scheme in schemes if scheme["rule"].get("next_in_rank")]


def _said(log: Log, scheme_id: str) -> list[Json]:
    """What was published of the awards of a scheme, in the order of time, and of versions of one award."""
    bodies = [
        event.body
        for topic in ("award.issued", "award.revoked")
        for event in log.events(topic)
        if event.body["scheme_id"] == scheme_id
    ]
    return sorted(bodies, key=lambda body: (body.get("revoked_at") or body["issued_at"], body["version"]))


def _leaves(body: Json) -> bool:
    """True if an organiser has revoked it, and the next in rank moves up."""
    return "revoked_at" in body and not body.get("code") and not body.get("place_free")


def _unable(log: Log, scheme: Json) -> set[str]:
    quiz_id = scheme["rule"]["quiz_id"]
    if (closing := last_closings(log).get(quiz_id)) is None:
        return set()
    states = states_of_now(log)
    erased = {event.key for event in log.events("participant.erased")}
    return {
        whom
        for one in closing["standings"]
        if tier_of(scheme, one["rank"])[0] is None
        and (
            (whom := one["participant_id"]) in erased
            or states.get(f"{quiz_id}/{whom}", {}).get("disqualified")
        )
    }
