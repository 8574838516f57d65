"""The audit of awards: the expected awards, computed from results, final standings and conferrals."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from ops.audit import tiers
from ops.audit.corrections import passed_once, results_of_now
from ops.audit.decisions import States, counting, last_closings, states_of_now
from ops.audit.draws import names_by_draw
from ops.audit.findings import Check, compare, kept, true_of_all
from ops.audit.log import Entry, Log
from ops.audit.notices import audit_notices, noticed
from ops.audit.places import Left, left_at_times, left_now, tier_moved
from ops.audit.replaced import audit_replaced
from ops.audit.selections import audit_selections, winners
from ops.deployment.ledger import Promise
from shared.storage.mongo import Database

Json: TypeAlias = dict[str, Any]


async def audit_awards(log: Log, database: Database, promises: list[Promise]) -> list[Check]:
    """Compare the stored awards and their events with the expected awards."""
    schemes = [scheme async for scheme in database["schemes"].find()]
    awards = [award async for award in database["awards"].find()]
    issued, revoked = log.events("award.issued"), log.events("award.revoked")
    closings = [event.body for event in log.events("quiz.closed")]
    by_id = {award["_id"]: award for award in awards}
    latest = _latest([*issued, *revoked])
    # An erased person may get an award before the erasure, but never after it: the events decide.
    erased = {event.key for event in log.events("participant.erased")}
    after_notice = noticed(schemes)
    by_notice = _ids(after_notice)
    at_once = [scheme for scheme in schemes if scheme["_id"] not in by_notice]
    given = [award for award in awards if award["scheme_id"] not in by_notice]
    return [
        compare("awards are given", *expected_and_found(log, at_once, given, promises, erased)),
        *await audit_notices(log, database, after_notice, _due_by_scheme(log, after_notice), erased),
        true_of_all(
            "what is noted as not earned is not earned", _misnoted(log, schemes, awards), len(awards)
        ),
        true_of_all(
            "the rule takes back only what follows", _wrongly_taken_back(schemes, awards), len(awards)
        ),
        true_of_all(
            "awards are shared by ties alone", tiers.misshared(closings, schemes, awards), len(awards)
        ),
        compare(
            "awards are published (award.issued)",
            by_id,
            (event.body["award_id"] for event in issued if event.body["version"] == 1),
        ),
        true_of_all(
            "what is published is what is stored",
            (e.id for e in issued if not _same(e, latest, by_id.get(e.body["award_id"], {}))),
            len(issued),
        ),
        true_of_all(
            "the versions published count the changes stored",
            _miscounted([*issued, *revoked], by_id),
            len(issued) + len(revoked),
        ),
        compare(
            "revocations are published (award.revoked)",
            (award["_id"] for award in awards if award.get("revoked_at")),
            (
                e.body["award_id"]
                for e in revoked
                if e.body["version"] == latest[e.body["award_id"]].body["version"]
            ),
        ),
        kept(
            "revocations acknowledged hold",
            _revoked_for_good(promises, revoked, by_id),
            (award["_id"] for award in awards if award.get("revoked_at") and not award.get("code")),
        ),
        audit_replaced(issued, revoked, by_id, schemes),
        *await audit_selections(log, database),
    ]


def _revoked_for_good(
    promises: Iterable[Promise], revoked: Sequence[Entry], by_id: Mapping[str, Json]
) -> Iterator[str]:
    """The revocations that were acknowledged, but for those that an organiser has undone."""
    versions = {event.body["award_id"]: event.body["version"] for event in revoked}
    for promise in promises:
        award = by_id.get(promise.id, {})
        undone = "revoked_at" not in award and versions.get(promise.id, 0) < award.get("version", 0)
        if promise.kind == "revoked" and not (promise.id in versions and undone):
            yield promise.id


def expected_and_found(
    log: Log,
    schemes: Sequence[Json],
    awards: Sequence[Json],
    promises: Iterable[Promise],
    erased: Collection[str],
) -> tuple[set[str], list[str]]:
    """The awards expected, and those found: what the rule took back is not there."""
    # What a draw gives follows the draw.
    follows = _ids(_following(schemes)) | _drawn(schemes)
    by_hand = _ids(scheme for scheme in schemes if scheme["rule"]["type"] == "conferred")
    # Only the organiser decides who gets a conferred award, so there are only the stored awards and the
    # promises.
    expected = {promise.id for promise in promises if promise.kind == "conferred"}
    expected |= {_name(award) for award in awards if award["scheme_id"] in by_hand}
    expected |= {name_of(scheme_id, winner) for scheme_id, winner in winners(log)}
    expected |= earned_once_or_now(log, [one for one in schemes if one["_id"] not in follows], awards)
    expected |= _due(log, _following(schemes), {_name(award) for award in awards})
    expected |= {name_of(*name) for name in names_by_draw(log)}
    stopped, stored = _by_cancelled_quizzes(log, schemes), {_name(award) for award in awards}
    expected = {name for name in expected if name.split("/")[0] not in stopped or name in stored}
    found = [award for award in awards if not award.get("code")]
    # What an organiser has revoked stays as it was, whatever is earned.
    final = {
        _whose(_name(award)) for award in found if award["scheme_id"] in follows and "revoked_at" in award
    }
    expected = {name for name in expected if _whose(name) not in final and _recipient(name) not in erased}
    kept_of_erased = _ids(schemes) - follows
    expected |= {
        _name(event.body)
        for event in log.events("award.issued")
        if event.key in erased and event.body["scheme_id"] in kept_of_erased
    }
    return expected, [
        _name(award)
        for award in found
        if award["scheme_id"] not in follows
        or (_whose(_name(award)) not in final and award["recipient_id"] not in erased)
    ]


def _due(log: Log, schemes: Sequence[Json], stored: Collection[str]) -> set[str]:
    """What results and standings of now earn, without what was disqualified."""
    decisions = states_of_now(log)
    due = set(_certificates(counting(results_of_now(log), decisions), schemes))
    left = left_now(log, [one for one in schemes if one.get("issue", {}).get("type") != "after_notice"], {})
    due |= set(_prizes(schemes, list(last_closings(log).values()), decisions, left))
    return due | {name for name, decided in _tied(log, schemes, decisions) if decided or name in stored}


def _due_by_scheme(log: Log, schemes: Sequence[Json]) -> dict[str, dict[str, str | None]]:
    """By scheme and recipient, the tier that the results and standings of now earn."""
    found: dict[str, dict[str, str | None]] = {}
    for name in _due(log, schemes, ()):
        scheme_id, recipient_id, *tier = name.split("/", 2)
        found.setdefault(scheme_id, {})[recipient_id] = tier[0] if tier else None
    return found


def earned_once_or_now(log: Log, schemes: Sequence[Json], awards: Sequence[Json]) -> set[str]:
    """
    The awards by schemes that keep theirs.

    What earlier results and standings have earned stays, if the change came later. A prize keeps its tier.
    """
    stored = {_name(award) for award in awards}
    once = set(_certificates(passed_once(log), schemes))
    closings = [event.body for event in log.events("quiz.closed")]
    once |= set(_prizes(schemes, closings, {}, {}))
    for scheme, left in left_at_times(log, schemes):
        once |= set(_prizes([scheme], closings, {}, left))
    once |= {name for name, _ in _tied(log, schemes, {})}
    stays = stored & once
    held = {_whose(name) for name in stays}
    return stays | {name for name in _due(log, schemes, stored) if _whose(name) not in held}


def _misnoted(log: Log, schemes: Sequence[Json], awards: Sequence[Json]) -> Iterator[str]:
    noted = [award for award in awards if award.get("unearned")]
    due = _due(log, schemes, {_name(award) for award in noted}) if noted else set()
    yield from (award["_id"] for award in noted if _name(award) in due or award.get("revoked_at"))


def _wrongly_taken_back(schemes: Sequence[Json], awards: Iterable[Json]) -> Iterator[str]:
    follow = _ids(_following(schemes)) | _drawn(schemes)
    yield from (one["_id"] for one in awards if one.get("code") and one["scheme_id"] not in follow)


def _following(schemes: Iterable[Json]) -> list[Json]:
    return [scheme for scheme in schemes if scheme.get("on_change") == "follow"]


def _drawn(schemes: Iterable[Json]) -> set[str]:
    return _ids(scheme for scheme in schemes if scheme["rule"]["type"] == "drawn")


def _ids(schemes: Iterable[Json]) -> set[str]:
    return {scheme["_id"] for scheme in schemes}


def _latest(events: Iterable[Entry]) -> dict[str, Entry]:
    """By award, the event of the highest version, in whichever of the two topics it is."""
    found: dict[str, Entry] = {}
    for event in events:
        body = event.body
        before = found.get(body["award_id"])
        if before is None or body["version"] > before.body["version"]:
            found[body["award_id"]] = event
    return found


def _same(event: Entry, latest: Mapping[str, Entry], stored: Json) -> bool:
    published = event.body
    fields: tuple[str, ...] = ("award_code", "scheme_id", "kind", "recipient_id")
    newest = latest[published["award_id"]]
    if newest.topic == event.topic and newest.body["version"] == published["version"]:
        fields += ("tier", "cause")
        if event.topic == "award.issued" and published.get("shared", False) != stored.get("shared", False):
            return False
    return all(published[name] == stored.get(name) for name in fields)


def _miscounted(events: Iterable[Entry], by_id: Mapping[str, Json]) -> Iterator[str]:
    """The awards whose versions are not published, each once, in the two topics together."""
    versions: dict[str, set[int]] = {}
    for event in events:
        versions.setdefault(event.body["award_id"], set()).add(event.body["version"])
    for id_, published in versions.items():
        stored = by_id.get(id_, {}).get("version", 0)
        if published != set(range(1, stored + 1)):
            yield id_


def _name(award: Json) -> str:
    return name_of(award["scheme_id"], award["recipient_id"], award.get("tier"))


def name_of(scheme_id: str, recipient_id: str, tier: str | None = None) -> str:
    """The name of an award: scheme, recipient and tier."""
    return f"{scheme_id}/{recipient_id}" + (f"/{tier}" if tier else "")


def _recipient(name: str) -> str:
    return name.split("/")[1]


def _whose(name: str) -> str:
    """Scheme and recipient, without the tier."""
    return "/".join(name.split("/")[:2])


def _by_cancelled_quizzes(log: Log, schemes: Iterable[Json]) -> set[str]:
    """
    The schemes of cancelled quizzes, of which nothing more is issued. What was issued before stays.

    A quiz that was removed and published again has a higher version.
    """
    versions: dict[str, int] = {}
    cancelled: dict[str, int] = {}
    for topic, highest in (("quiz.published", versions), ("quiz.cancelled", cancelled)):
        for event in log.events(topic):
            quiz_id = event.body["quiz_id"]
            highest[quiz_id] = max(event.body["version"], highest.get(quiz_id, 0))
    return {
        scheme["_id"]
        for scheme in schemes
        if (quiz_id := scheme["rule"].get("quiz_id")) in cancelled
        and cancelled[quiz_id] >= versions.get(quiz_id, 0)
    }


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


def _ranked(schemes: Iterable[Json], closings: Iterable[Json]) -> Iterator[tuple[Json, Json]]:
    """The schemes that award by rank, each with the closings of its quiz."""
    closings = list(closings)
    for scheme in schemes:
        rule = scheme["rule"]
        if rule["type"] == "rank_tiers":
            yield from ((scheme, one) for one in closings if one["quiz_id"] == rule["quiz_id"])


def _prizes(
    schemes: Iterable[Json], closings: Iterable[Json], decisions: States, left: Left
) -> Iterator[str]:
    for scheme, closing in _ranked(schemes, closings):
        earned = list(tiers.earned(scheme, closing))
        out = left.get(scheme["_id"], ())
        gone = [one.rank for one in earned if one.standing["participant_id"] in out]
        for one in earned:
            standing = one.standing
            whom = f"{closing['quiz_id']}/{standing['participant_id']}"
            tier = None if one.by_lot else tier_moved(scheme, one.rank, gone)
            is_out = standing["participant_id"] in out or decisions.get(whom, {}).get("disqualified")
            if tier and not is_out:
                yield name_of(scheme["_id"], standing["participant_id"], tier)


def _tied(log: Log, schemes: Iterable[Json], decisions: States) -> Iterator[tuple[str, bool]]:
    """
    The people who share the rank of the last listed one, and True if the organiser has decided this tie.
    """
    for scheme, closing in _ranked(schemes, last_closings(log).values()):
        listed = {standing["participant_id"] for standing in closing["standings"]}
        earned = list(tiers.earned(scheme, closing))
        last, tier = (earned[-1].standing, earned[-1].tier) if earned else (None, None)
        if last is None or tier is None or closing["participants"] <= len(listed):
            continue
        tied = _shares(last, last.get("finished_at"), closing)
        for result in _ranked_results(log, closing, decisions):
            if result["participant_id"] in listed:
                continue
            if _shares(result, result["completed_at"], closing) != tied:
                continue
            if not tiers.finished_later(result["completed_at"], last, scheme):
                decided = int(scheme.get("tie_decided", 0)) == closing.get("version", 1)
                yield name_of(scheme["_id"], result["participant_id"], tier), decided


def _ranked_results(log: Log, closing: Json, decisions: States) -> list[Json]:
    """The results of a quiz that may be ranked: those that count, or each participant's first or last."""
    every = counting(results_of_now(log), decisions)
    results = [one for one in every if one["quiz_id"] == closing["quiz_id"]]
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
