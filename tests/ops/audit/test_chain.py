"""The chain of an award agrees with what happened, and names each link that was falsified."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ops.audit.chain.facts import Facts
from ops.audit.chain.links import absent
from ops.audit.chain.run import chain_of
from ops.audit.log import Entry, Log
from shared.contracts import topics
from tests.ops.audit.played import PEOPLE, Played, played

Json = dict[str, Any]
Falsify = Callable[[Facts], Facts]
CHAINS = [
    ("certificate", "third"),
    ("prize", "best"),
    ("prize", "second"),
    ("follows", "fallen"),
    ("flag", "low"),
]


def _with_log(facts: Facts, change: Callable[[Entry], Entry | None]) -> Facts:
    records = [one for topic in topics.LIVE for one in facts.log.records(topic.name)]
    return replace(facts, log=Log(kept for one in records if (kept := change(one)) is not None))


def lost(topic: str, **which: object) -> Falsify:
    """The events of a topic with these fields are missing."""
    return lambda facts: _with_log(facts, lambda one: None if _is(one, topic, which) else one)


def said(topic: str, change: Callable[[Json], Json], **which: object) -> Falsify:
    """The events of a topic with these fields say something else."""

    def changed(one: Entry) -> Entry:
        if not _is(one, topic, which):
            return one
        return replace(one, value=json.dumps(change(one.body)).encode())

    return lambda facts: _with_log(facts, changed)


def _is(one: Entry, topic: str, which: Mapping[str, object]) -> bool:
    return one.topic == topic and which.items() <= one.body.items()


def row(**fields: object) -> Falsify:
    """The award is stored otherwise. None: without the field."""

    def changed(facts: Facts) -> Facts:
        stored = {**(facts.award or {}), **fields}
        return replace(facts, award={name: value for name, value in stored.items() if value is not None})

    return changed


def result(facts: Facts) -> Facts:
    """The recipient's result is stored with half a point more."""
    assert facts.of_quiz is not None
    changed = {
        id_: {**one, "halves": one["halves"] + 1}
        if one.get("participant_id") == facts.named.recipient_id
        else one
        for id_, one in facts.of_quiz.results.items()
    }
    return replace(facts, of_quiz=replace(facts.of_quiz, results=changed))


def key(facts: Facts) -> Facts:
    """The correction is stored with another key."""
    assert facts.of_quiz is not None
    corrections = [{**one, "key": "A"} for one in facts.of_quiz.quiz["corrections"]]
    return replace(
        facts, of_quiz=replace(facts.of_quiz, quiz={**facts.of_quiz.quiz, "corrections": corrections})
    )


def message(**fields: object) -> Falsify:
    return lambda facts: replace(facts, messages=[{**one, **fields} for one in facts.messages or ()])


def ranks(change: int) -> Callable[[Json], Json]:
    """Final standings in which everybody has another rank."""
    return lambda body: {
        **body,
        "standings": [{**one, "rank": one["rank"] + change} for one in body["standings"]],
    }


def points(body: Json) -> Json:
    return {**body, "points": body["points"] - 1}


def swapped(body: Json) -> Json:
    """The answers to two questions changed places, so one that was right is wrong."""
    return {**body, "answers": dict.fromkeys(body["answers"], "D")}


# Scheme, recipient, what is falsified, and the link that has to say so.
FALSIFIED: list[tuple[str, str, Falsify, str]] = [
    ("certificate", "third", lost("quiz.published"), "quiz.published"),
    ("certificate", "third", lost("quiz.submitted"), "quiz.submitted"),
    ("certificate", "third", said("quiz.submitted", swapped), "result"),
    ("certificate", "third", said("quiz.submitted", swapped), "quiz.regraded"),
    ("certificate", "third", lost("quiz.completed"), "quiz.completed"),
    ("certificate", "third", said("quiz.completed", points), "quiz.completed"),
    ("certificate", "out", said("quiz.completed", points), "quiz.completed"),
    ("certificate", "third", said("quiz.regraded", points), "quiz.regraded"),
    ("certificate", "third", lost("quiz.regraded"), "result"),
    ("certificate", "third", key, "quiz.regraded"),
    ("certificate", "third", result, "result"),
    ("certificate", "out", lost("quiz.disqualification_decided"), "decisions"),
    (
        "certificate",
        "out",
        said("quiz.disqualification_decided", lambda body: {**body, "disqualified": False}),
        "quiz.disqualification_decided",
    ),
    ("prize", "best", lost("quiz.closed"), "quiz.closed"),
    ("prize", "second", said("quiz.closed", ranks(1)), "quiz.closed"),
    ("prize", "second", said("quiz.closed", ranks(2)), "rule"),
    # Another's answers decide the rank too.
    ("prize", "second", lost("quiz.submitted", participant_id="best"), "quiz.closed"),
    ("prize", "second", lambda facts: replace(facts, scheme=None), "scheme"),
    ("prize", "second", row(tier="gold"), "award"),
    ("prize", "second", row(tier="gold"), "rule"),
    ("prize", "second", row(award_code="KW-00000-00000"), "award"),
    ("prize", "second", row(version=2), "award"),
    ("prize", "second", row(cause="another"), "award.issued"),
    ("prize", "second", lost("award.issued"), "award.issued"),
    ("prize", "second", said("award.issued", lambda body: {**body, "kind": "flag"}), "award.issued"),
    ("prize", "second", lambda facts: replace(facts, award=None), "award"),
    ("follows", "fallen", lost("award.revoked"), "award"),
    ("follows", "fallen", row(revoked_at=None, code=None), "rule"),
    ("follows", "fallen", row(revoked_at=None, code=None), "award"),
    ("follows", "fallen", lost("award.issued"), "award"),
    ("flag", "low", row(cause="another"), "conferral"),
    ("flag", "low", row(replaces="another"), "award.issued"),
    ("flag", "low", row(superseded_by="another"), "award.issued"),
    ("flag", "low", lost("award.issued"), "award.issued"),
    ("flag", "low", lost("notification.delivered"), "notification.delivered"),
    ("flag", "low", message(channel="email"), "notification"),
    ("flag", "low", message(facts={"award_code": "KW-00000-00000"}), "notification.delivered"),
]


@pytest.mark.stack
async def test_each_link_agrees_and_each_one_that_is_falsified_is_named(kafka: str, mongo: str) -> None:
    async with played(kafka, mongo) as week:
        for scheme, who in CHAINS:
            chain = chain_of(await week.facts(scheme, who))
            assert [link for link in chain.links if link.status != "agrees"] == [], (scheme, who)
        missed = [
            (number, scheme, who, link)
            for number, (scheme, who, falsify, link) in enumerate(FALSIFIED)
            if link not in await _differing(week, scheme, who, falsify)
        ]
        assert missed == []
        await _nothing_of_others_is_read(week)


async def _differing(week: Played, scheme: str, who: str, falsify: Falsify) -> set[str]:
    chain = chain_of(falsify(await week.facts(scheme, who)))
    return {link.name for link in chain.links if link.differs}


async def _nothing_of_others_is_read(week: Played) -> None:
    facts = await week.facts("certificate", "third")
    text = json.dumps(chain_of(facts).for_programs())
    assert not [who for who in PEOPLE if who != "third" and f'"{who}"' in text]
    assert len(facts.log.records("quiz.submitted")) == 1
    assert len((await week.facts("prize", "best")).log.records("quiz.submitted")) == len(PEOPLE)


def test_an_event_that_is_older_than_its_topic_is_no_error() -> None:
    now = datetime(2026, 11, 28, tzinfo=UTC)
    [young, old] = [
        absent("quiz.submitted", "an attempt", now - timedelta(days=topics.DAYS_KEPT + days), now)
        for days in (-1, 0)
    ]
    assert (young.status, old.status) == ("differs", "gone")
