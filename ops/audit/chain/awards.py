"""The links of the award: its rule, its events, its row, and what followed from it."""

from collections.abc import Collection, Iterator

from ops.audit.awards import earned_once_or_now, expected_and_found, name_of
from ops.audit.ceremonies import STATE, not_held
from ops.audit.chain.facts import Facts, Json
from ops.audit.chain.links import Link, absent, is_gone, link_of, numbered, unequal
from ops.audit.log import Entry
from ops.audit.notices import noticed
from ops.audit.places import left_now

SAME = ("award_code", "scheme_id", "kind", "recipient_id", "tier", "cause")


def links_of_rule(facts: Facts) -> Iterator[Link]:
    """The scheme, and what its rule gives to the recipient."""
    where, scheme = f"awards.schemes/{facts.named.scheme_id}", facts.scheme
    if scheme is None:
        yield Link("scheme", f"scheme {facts.named.scheme_id}", ("awards has no such scheme",), stored=where)
        return
    later = "after a public notice" if noticed([scheme]) else "at once"
    change = scheme.get("on_change", "keep")
    yield Link(
        "scheme", f"{scheme['title']}: {_rule(facts.rule)}; given {later}; on_change: {change}", stored=where
    )
    if is_gone("quiz.completed", facts.award["issued_at"] if facts.award else None, facts.now):
        yield Link("rule", "what the rule gave follows from events that may be gone", stored=where, gone=True)
        return
    yield Link("rule", *_given(facts, scheme), stored=where)


def _rule(rule: Json) -> str:
    kind = rule["type"]
    if kind == "pass_mark":
        return f"at least {rule['score_percent']} % of the points of quiz {rule['quiz_id']}"
    if kind == "rank_tiers":
        tiers = ", ".join(f"{one['tier']} {one['places']}" for one in rule["tiers"])
        return f"by rank in quiz {rule['quiz_id']}: {tiers}"
    return {"conferred": "conferred by organisers", "selected": "by a selection", "drawn": "by a draw"}.get(
        kind, str(kind)
    )


def _given(facts: Facts, scheme: Json) -> tuple[str, tuple[str, ...]]:
    """What the rule gives, computed from the log, and how the award differs from it."""
    award = facts.award
    stored = [award] if award else []
    if noticed([scheme]):
        if facts.rule["type"] == "conferred" or not award:
            return "the public notice decides", ()
        earned = earned_once_or_now(facts.log, [scheme], stored)
        said = _mine(facts, earned)
        # If somebody was left out, others may have moved up: then the notice alone says who has what.
        moved = facts.rule.get("next_in_rank") and facts.log.events("award.objected")
        if moved or _left(facts, scheme) or _name(award) in earned or facts.is_erased:
            return f"results give {_words(said)}; the public notice decides", ()
        return f"results give {_words(said)}", (f"the award is {_words([_name(award)])}",)
    expected, found = expected_and_found(facts.log, [scheme], stored, [], facts.erased)
    due, held = _mine(facts, expected), _mine(facts, found)
    if award and award.get("revoked_at") and not award.get("code"):
        return "an organiser revoked the award, whatever the rule gives", ()
    if facts.is_erased:
        return "the recipient was erased: the rule gives nothing more", ()
    left = _left(facts, scheme)
    says = f"the rule gives {_words(due)}" + (f"; {left} left a place, and others move up" if left else "")
    return says, () if due == held else (f"the award is {_words(held)}, and should be {_words(due)}",)


def _left(facts: Facts, scheme: Json) -> int:
    """How many people have left a place to the next in rank."""
    return len(left_now(facts.log, [scheme], {}).get(facts.named.scheme_id, ()))


def _name(award: Json) -> str:
    return name_of(award["scheme_id"], award["recipient_id"], award.get("tier"))


def _mine(facts: Facts, names: Collection[str]) -> list[str]:
    return sorted(name for name in names if f"{name}/".startswith(f"{facts.whose}/"))


def _words(names: list[str]) -> str:
    tiers = [name.split("/", 2)[2] if name.count("/") > 1 else "the award" for name in names]
    return " and ".join(tiers) or "nothing"


def links_of_award(facts: Facts) -> Iterator[Link]:
    """Every version of the award in the log, and its row."""
    issued, revoked = facts.of_award("award.issued"), facts.of_award("award.revoked")
    events = sorted([*issued, *revoked], key=lambda event: event.body["version"])
    row = facts.award
    tier: str | None = None
    for event in events:
        is_last = event is events[-1]
        yield link_of(event, _said(event), _as_stored(event, row, tier, is_last=is_last))
        tier = event.body.get("tier", tier)
    if not events:
        yield absent("award.issued", "version 1", row["issued_at"] if row else None, facts.now)
    yield _row(facts, events)


def _said(event: Entry) -> str:
    body = event.body
    if event.topic == "award.revoked":
        by = f"by the rule ({body['code']})" if body.get("code") else "by an organiser"
        after = f", award {body['superseded_by']} takes its place" if body.get("superseded_by") else ""
        return f"version {body['version']}: revoked {by}{after}"
    tier = f", {body['tier']}" if body["tier"] else ""
    before = f", in the place of award {body['replaces']}" if body.get("replaces") else ""
    return f"version {body['version']}: {body['kind']}{tier}, cause {body['cause']}{before}"


def _as_stored(event: Entry, row: Json | None, tier: str | None, *, is_last: bool) -> Iterator[str]:
    if row is None:
        return
    body = event.body
    names = SAME if is_last else SAME[:4]
    yield from unequal([(name, body[name], row.get(name)) for name in names if name in body])
    if is_last:
        yield from unequal([("the code of the revocation", body.get("code"), row.get("code"))])
        yield from unequal([("superseded_by", body.get("superseded_by"), row.get("superseded_by"))])
    if event.topic == "award.issued":
        yield from unequal([("replaces", body.get("replaces"), row.get("replaces"))])
    if body.get("tier_before") is not None:
        yield from unequal([("tier_before", body["tier_before"], tier)])


def _row(facts: Facts, events: list[Entry]) -> Link:
    where, row = f"awards.awards/{facts.named.award_id}", facts.award
    if row is None:
        return Link("award", "the row of the award", ("awards has none",), stored=where)
    state = "held" if not row.get("revoked_at") else "revoked"
    says = f"version {row['version']}, {state}" + (f", {row['tier']}" if row.get("tier") else "")
    differs: list[str] = []
    if events:
        last = events[-1]
        if not is_gone("award.issued", row["issued_at"], facts.now):
            differs += numbered(events, row["version"], "the award")
        differs += unequal(
            [
                ("the row", state, "held" if last.topic == "award.issued" else "revoked"),
                ("its code", row["award_code"], last.body["award_code"]),
                *((name, row.get(name), last.body[name]) for name in SAME if name in last.body),
            ]
        )
    if (shown := row.get("unearned")) is not None:
        says += f"; noted as not earned ({shown.get('code') or shown.get('tier')})"
    return Link("award", says, tuple(differs), stored=where)


def links_of_messages(facts: Facts) -> Iterator[Link]:
    """What the recipient was told of each version, and through which channel."""
    if facts.messages is None:
        return
    told = {event.body["message_id"]: event for event in facts.mine("notification.delivered")}
    for topic in ("award.proposed", "award.issued", "award.revoked"):
        events = facts.of_award(topic)
        for event in events:
            yield from _told(event, told, facts)


def _told(event: Entry, told: dict[str, Entry], facts: Facts) -> Iterator[Link]:
    what = f"{event.topic} version {event.body['version']}"
    messages = [one for one in facts.messages or () if one["cause"]["id"] == event.id]
    if not any(one["channel"] == "inbox" for one in messages) and not facts.is_erased:
        yield Link("notification", f"{what}: in the inbox", ("nobody told the recipient",))
    for one in messages:
        state, where = one["state"], f"notifications.messages/{one['_id']}"
        differs: list[str] = []
        says = f"{what}: {one['channel']}, {state}"
        quoted = (one.get("facts") or {}).get("award_code")
        if quoted is not None and not facts.is_erased:
            differs += unequal([("the code in the message", quoted, facts.named.award_code)])
        sent = told.get(one["_id"])
        if sent is None and state == "delivered":
            link = absent("notification.delivered", says, one.get("finished_at"), facts.now)
            yield link
            continue
        if sent is None:
            yield Link("notification", says, tuple(differs), stored=where)
        else:
            differs += unequal(
                [("its cause", sent.body["cause_id"], event.id), ("its state", state, "delivered")]
            )
            yield Link(sent.topic, says, tuple(differs), sent, where)


def links_of_ceremony(facts: Facts) -> Iterator[Link]:
    """What was handed over, and the files for printers."""
    events, row = facts.of_award("award.handed_over"), facts.handed_over
    amiss = set(not_held(facts.log, events)) if facts.of_award("award.issued") else set()
    for event in events:
        body = event.body
        state = "handed over" if body["handed_over"] else "not handed over: that was a mistake"
        differs = [] if facts.named.award_id not in amiss else ["the award was not held at that time"]
        if event is events[-1] and row is not None:
            differs += unequal([(name, body[name], row[name]) for name in STATE])
        yield link_of(event, f"version {body['version']}: {state}, ceremony {body['ceremony_id']}", differs)
    if row is not None or events:
        where = f"awards.handed_over/{facts.named.award_id}"
        differs = [*numbered(events, (row or {}).get("version", 0), "what was handed over")]
        yield Link("handed over", "the note of the ceremony", tuple(differs), stored=where)
    for id_, digest in facts.prints:
        yield Link(
            "print", f"a file for printers has a page; SHA-256 {digest}", stored=f"awards.print_files/{id_}"
        )
