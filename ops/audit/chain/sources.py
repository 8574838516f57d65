"""The links of what decides an award without results alone: conferrals, selections, draws and notices."""

from collections.abc import Iterator

from ops.audit.chain.facts import Facts, Json
from ops.audit.chain.links import Link, absent, is_gone, link_of, numbered, unequal
from ops.audit.draws import Place, latest, wrongly_drawn
from ops.audit.log import Entry
from ops.audit.notices import early, standing_of
from ops.audit.selections import (
    DECIDED,
    OPENED,
    SHORTLISTED,
    are_best,
    last_of,
    ranking_of,
    ranks_in,
    uncommitted,
    wrongly_decided,
)
from ops.draws.verify import holders


def links_of_conferral(facts: Facts) -> Iterator[Link]:
    """Who conferred the award: an organiser, or the selection that its cause names."""
    if facts.rule["type"] not in ("conferred", "selected") or facts.award is None:
        return
    cause = facts.award["cause"]
    if cause in last_of(facts.log, OPENED):
        yield from _selection(cause, facts)
        return
    if facts.rule["type"] == "selected":
        yield absent(OPENED, f"selection {cause}", facts.award["issued_at"], facts.now)
        return
    where = f"awards.awards/{facts.named.award_id}"
    if cause == facts.named.award_id:
        yield Link("conferral", "an organiser has conferred the award, or named its recipient", stored=where)
        return
    differs = (f"the cause {cause} is not the award itself",)
    yield Link("conferral", "the cause of the award", differs, stored=where)


def _selection(id_: str, facts: Facts) -> Iterator[Link]:
    log, me, at = facts.log, facts.named.recipient_id, (facts.award or {}).get("issued_at")
    opened, shortlisted, decided = (last_of(log, topic) for topic in (OPENED, SHORTLISTED, DECIDED))
    for event in _of(facts, OPENED, id_):
        body = event.body
        differs = [*unequal([("its scheme", body["scheme_id"], facts.named.scheme_id)])]
        yield link_of(event, f"version {body['version']}: {body['places']} places", differs)
    for topic in ("selection.nominated", "selection.admitted"):
        events = [one for one in _of(facts, topic, id_) if one.body["participant_id"] == me]
        if not events:
            yield absent(topic, "the recipient", at, facts.now)
        yield from (link_of(event, f"the recipient, version {event.body['version']}") for event in events)
    notice, verdict = shortlisted.get(id_), decided.get(id_)
    events = _of(facts, SHORTLISTED, id_)
    if notice is None:
        yield absent(SHORTLISTED, "the candidates", at, facts.now)
    for event in events:
        yield link_of(event, _ranked(event.body, me), _wrong_list(id_, event.body, opened[id_], facts))
    for event in facts.log.events("award.objected"):
        if event.body.get("selection_id") == id_ and event.key == me:
            yield link_of(event, f"an objection: {event.body['status']}")
    if verdict is None:
        yield absent(DECIDED, "the vote", at, facts.now)
    for event in _of(facts, DECIDED, id_):
        body = event.body
        votes = next((one["votes_for"] for one in body["votes"] if one["participant_id"] == me), 0)
        differs = [] if me in body["winners"] else ["the recipient is not among the winners"]
        amiss = [*wrongly_decided(log, {id_: body}, opened, shortlisted, facts.erased)]
        differs += ["the winners do not follow from votes, notice and objections"] if amiss else []
        yield link_of(event, f"{votes} of {body['members']} members voted for the recipient", differs)


def _of(facts: Facts, topic: str, selection_id: str) -> list[Entry]:
    found = [one for one in facts.log.events(topic) if one.body["selection_id"] == selection_id]
    return sorted(found, key=lambda event: event.body["version"])


def _ranked(body: Json, me: str) -> str:
    for one in body["ranking"]:
        if one["participant_id"] == me:
            return f"rank {one['rank']} with {one['score']} points of {one['experts']} experts"
    return "the recipient is not ranked"


def _wrong_list(id_: str, body: Json, terms: Json, facts: Facts) -> Iterator[str]:
    me = facts.named.recipient_id
    if me not in body["candidates"]:
        yield "the recipient is no candidate"
    if ranking_of(terms, body) != ranks_in(body):
        yield "the ranking does not follow from the scores"
    if not are_best(terms, body):
        yield "the candidates are not the best of the ranking"
    mine = [(id_, one) for one in body["scores"] if one["participant_id"] == me]
    for name in uncommitted(facts.log, mine):
        yield f"the score {name} is not the one that was committed (selection.scored)"


def links_of_draws(facts: Facts) -> Iterator[Link]:
    """The drawings of the scheme: the list, the seed, and the recipient's position."""
    if facts.rule["type"] != "drawn":
        return
    announced, held = latest(facts.log, "draw.announced"), latest(facts.log, "award.drawn")
    stored = {(one["draw_id"], one["number"]): one for one in facts.drawings}
    for place in sorted({*stored, *announced, *held}):
        row, where = stored.get(place), f"awards.drawings/{place[0]}/{place[1]}"
        for topic in ("draw.announced", "award.drawn"):
            for event in _drawings(facts, topic, place):
                says = _announced(event.body) if topic == "draw.announced" else _drawn(event.body, facts)
                is_last = (
                    event.body["version"]
                    == (announced if topic == "draw.announced" else held)[place]["version"]
                )
                differs = (
                    [*_wrong_drawing(place, announced, held, facts)]
                    if is_last and topic == "award.drawn"
                    else []
                )
                yield link_of(event, says, differs)
        if row is not None:
            gone = is_gone("award.drawn", row["changed_at"], facts.now)
            differs = [*_not_published(place, row, announced, held, gone=gone)]
            yield Link("list of entrants", _entered(place, row, facts), tuple(differs), stored=where)
        elif place in held:
            yield Link("list of entrants", "the drawing", ("awards has none",), stored=where)
    cause = (facts.award or {}).get("cause")
    if facts.award and cause not in {f"{one['draw_id']}/{one['number']}" for one in stored.values()} | {
        one["drawing_id"] for one in stored.values() if "drawing_id" in one
    }:
        yield Link("drawing", "the cause of the award", (f"the cause {cause} is no drawing of the scheme",))


def _drawings(facts: Facts, topic: str, place: Place) -> list[Entry]:
    found = [one for one in facts.log.events(topic) if (one.body["draw_id"], one.body["number"]) == place]
    return sorted(found, key=lambda event: event.body["version"])


def _announced(body: Json) -> str:
    return (
        f"drawing {body['number']}, version {body['version']}: {body['entrants']} entrants, "
        f"{body['chances']} chances, list SHA-256 {body['list_sha256']}"
    )


def _drawn(body: Json, facts: Facts) -> str:
    me = facts.named.recipient_id
    at = (
        f"number {body['drawn'].index(me) + 1} of {len(body['drawn'])}"
        if me in body["drawn"]
        else "not drawn"
    )
    tier = None
    if body["replaced_because"] is None:
        moved = [move["entrant_id"] for move in body["moved"]]
        tier = holders(body["prizes"], body["drawn"], moved).get(me)
    holds = "; the draw is held again" if body["replaced_because"] else f"; holds {tier or 'nothing'}"
    return f"drawing {body['number']}, version {body['version']}: {at}{holds}; seed {body['seed']}"


def _wrong_drawing(
    place: Place, announced: dict[Place, Json], held: dict[Place, Json], facts: Facts
) -> Iterator[str]:
    if [*wrongly_drawn(announced, {place: held[place]}, facts.lists)]:
        yield "who is drawn does not follow from the list and the seed that were announced"


def _entered(place: Place, row: Json, facts: Facts) -> str:
    lines = dict(line.split(" ", 1) for line in facts.lists.get(place, "").splitlines() if " " in line)
    mine = lines.get(facts.named.recipient_id)
    chances = f"the recipient has {mine} chances" if mine else "the recipient is not in it"
    return f"drawing {row['number']}: {chances}"


def _not_published(
    place: Place, row: Json, announced: dict[Place, Json], held: dict[Place, Json], *, gone: bool
) -> Iterator[str]:
    said = held.get(place) or announced.get(place)
    if said is None:
        yield from [] if gone else ["the drawing is not in the log (draw.announced)"]
        return
    yield from unequal(
        [
            ("the version", row["version"], said["version"]),
            ("the digest of the list", row["list_sha256"], said["list_sha256"]),
            ("those drawn", len(row.get("drawn", ())), len(said.get("drawn", ()))),
        ]
    )
    if row.get("drawn") and place not in held and not gone:
        yield "the winners are not in the log (award.drawn)"


def links_of_notice(facts: Facts) -> Iterator[Link]:
    """The public notice, what it proposed to the recipient, and the objections."""
    notice, proposal = facts.notice, facts.proposal
    proposed = facts.of_award("award.proposed")
    if notice is None and not proposed:
        return
    scheme_id = facts.named.scheme_id
    where = f"awards.notices/{scheme_id}"
    if notice is None:
        yield Link("notice", "the public notice", ("awards has none",), stored=where)
        return
    yield Link(
        "notice", f"version {notice.get('version', 0)}, confirmed {notice.get('confirmed', 0)}", stored=where
    )
    for event in proposed:
        body = event.body
        tier = f", {body['tier']}" if body["tier"] else ""
        code = f" ({body['code']})" if body["code"] else ""
        yield link_of(
            event, f"version {body['version']}: {body['status']}{code}{tier}, until {body['notice_until']}"
        )
    objections = [
        event
        for event in facts.log.events("award.objected")
        if event.key == facts.named.recipient_id
        and event.body.get("selection_id") is None
        and event.body["scheme_id"] == scheme_id
    ]
    yield from (link_of(event, f"an objection: {event.body['status']}") for event in objections)
    yield Link(
        "proposal",
        "what the notice says of the recipient",
        tuple(_wrong_proposal(facts, notice, proposal, proposed, objections)),
        stored=f"awards.proposals/{(proposal or {}).get('_id', facts.named.award_id)}",
    )


def _wrong_proposal(
    facts: Facts, notice: Json, proposal: Json | None, proposed: list[Entry], objections: list[Entry]
) -> Iterator[str]:
    if proposal is None:
        if not facts.is_erased:
            yield "awards has no proposal for the recipient"
        return
    yield from numbered(proposed, proposal.get("told", 0), "the proposal")
    standing = standing_of([event.body for event in proposed], {facts.named.scheme_id: notice})
    stands = standing.get(facts.named.award_id)
    first = next((one.body for one in facts.of_award("award.issued") if one.body["version"] == 1), None)
    if first is None:
        return
    if stands is None or stands["status"] != "proposed":
        yield "the award was issued, and no confirmed notice proposes it"
    else:
        yield from unequal([("the tier that was issued", first["tier"], stands["tier"])])
    if [*early([first], standing, {facts.named.scheme_id: notice})]:
        yield "the award was issued before the end of its notice"
    if any(event.body["status"] == "upheld" for event in objections):
        yield "an objection was upheld, and the award was issued"
