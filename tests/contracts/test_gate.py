"""The gate: each kind of breaking change is refused, with who breaks and what to do instead."""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ops.contracts.delivery import deliveries
from ops.contracts.documents import release
from ops.contracts.gate import OTHER_READERS, OTHER_SENDERS, check, differences, ends_of, unreleased
from ops.contracts.kinds import BREAKING, Kind
from ops.contracts.releases import Contracts, NotReleased, current, releases
from shared.contracts import events

GRADED = "kepu.quiz.graded.v1"
ASKED = "kepu.hall.asked.v1"
READERS = ("awards", "notifications", OTHER_READERS)
ASKED_READERS = ("registration-requests", OTHER_READERS)

SCHEMAS: dict[str, Any] = {
    GRADED: {
        "type": "object",
        "description": "A result, graded within 5 seconds.",
        "properties": {
            "quiz_id": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 64},
            "score_percent": {"type": "integer", "minimum": 0, "maximum": 100},
            "points": {"type": "number", "multipleOf": 0.5},
            "kind": {"enum": ["single", "multiple"], "type": "string"},
            "form": {"const": "paper", "type": "string"},
            "limit": {"type": "integer", "description": "In seconds.", "default": 60},
            "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "mark": {"anyOf": [{"type": "string", "maxLength": 3}, {"type": "integer"}]},
            "graded_at": {"type": "string", "format": "date-time"},
            "options": {"type": "array", "maxItems": 8, "items": {"$ref": "#/$defs/Option"}},
            "place": {"type": "array", "prefixItems": [{"type": "number"}, {"$ref": "#/$defs/Option"}]},
            "answers": {
                "type": "object",
                "patternProperties": {"^[a-z]+$": {"type": "string", "maxLength": 8}},
            },
        },
        "required": ["quiz_id", "score_percent", "kind", "mark"],
        "$defs": {
            "Option": {
                "type": "object",
                "properties": {
                    "text": {"type": "string", "maxLength": 200},
                    "parts": {"type": "array", "items": {"$ref": "#/$defs/Option"}},
                },
                "required": ["text"],
            }
        },
    },
    ASKED: {
        "type": "object",
        "properties": {"who": {"type": "string"}, "places": {"type": "integer", "maximum": 60}},
        "required": ["who"],
    },
}


def place(topic: str, *, groups: list[str], writers: list[str]) -> dict[str, Any]:
    return {
        "topic": topic,
        "key": "participant_id",
        "partitions": 12,
        "partitions_may_grow": False,
        "retention_days": 182,
        "compacted": False,
        "record_time": "LogAppendTime",
        "body_bytes_max": 65_536,
        "record_bytes_max": 1_179_648,
        "written_by": writers,
        "read_by": groups,
    }


DELIVERY: dict[str, Any] = {
    **deliveries(()),
    "events": {
        GRADED: place("quiz.graded", groups=["awards", "notifications"], writers=["quiz"]),
        ASKED: place("hall.asked", groups=["registration-requests"], writers=["other systems"]),
    },
}


def succeeded(until: str) -> dict[str, str]:
    return {"type": "kepu.quiz.graded.v2", "since": "2027-03-01T00:00:00+00:00", "until": until}


SUCCEEDED = deepcopy(DELIVERY)
SUCCEEDED["events"][GRADED]["succeeded_by"] = succeeded("2027-09-01T00:00:00+00:00")
# While both versions are emitted, and after the last record of the old one is gone.
DURING, GONE = datetime(2027, 9, 2, tzinfo=UTC), datetime(2028, 3, 9, tzinfo=UTC)
COMPACTED = {**DELIVERY, "events": {GRADED: {**DELIVERY["events"][GRADED], "compacted": True}}}

Edit = Callable[[dict[str, Any], dict[str, Any]], Any]
"""A change of the schemas and of the delivery, in place."""


def fields(schemas: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schemas[GRADED]["properties"]
    return found


def field(name: str, **changed: Any) -> Edit:
    """Change keywords of a field; None removes one."""

    def edit(schemas: dict[str, Any], _: dict[str, Any]) -> None:
        _set(fields(schemas)[name], changed)

    return edit


def option(**changed: Any) -> Edit:
    return lambda schemas, _: _set(schemas[GRADED]["$defs"]["Option"], changed)


def whole(**changed: Any) -> Edit:
    return lambda schemas, _: _set(schemas[GRADED], changed)


def sent(type_: str = GRADED, **changed: Any) -> Edit:
    """Change how the records of a type travel."""
    return lambda _, delivery: delivery["events"][type_].update(changed)


def header(name: str, **changed: Any) -> Edit:
    """Change or add a header; without changes, remove it."""

    def edit(_: dict[str, Any], delivery: dict[str, Any]) -> None:
        if changed:
            delivery["headers"].setdefault(name, {"about": "", "required": False, "always_sent": False})
            delivery["headers"][name].update(changed)
        else:
            del delivery["headers"][name]

    return edit


def renamed(schemas: dict[str, Any], _: dict[str, Any]) -> None:
    fields(schemas)["percent"] = fields(schemas).pop("score_percent")
    schemas[GRADED]["required"] = ["quiz_id", "kind", "mark"]


def added(schemas: dict[str, Any], _: dict[str, Any]) -> None:
    fields(schemas)["district"] = {"type": "string"}


def added_and_required(schemas: dict[str, Any], _: dict[str, Any]) -> None:
    fields(schemas)["district"] = {"type": "string"}
    schemas[GRADED]["required"] = [*schemas[GRADED]["required"], "district"]


def withdrawn(schemas: dict[str, Any], delivery: dict[str, Any]) -> None:
    del schemas[GRADED], delivery["events"][GRADED]


def version_replaced(schemas: dict[str, Any], delivery: dict[str, Any]) -> None:
    schemas["kepu.quiz.graded.v2"] = schemas.pop(GRADED)
    delivery["events"]["kepu.quiz.graded.v2"] = delivery["events"].pop(GRADED)


def version_beside(schemas: dict[str, Any], delivery: dict[str, Any]) -> None:
    schemas["kepu.quiz.graded.v2"] = {"type": "object"}
    delivery["events"]["kepu.quiz.graded.v2"] = {**delivery["events"][GRADED], "topic": "quiz.graded.v2"}


def asked_for_fewer(schemas: dict[str, Any], _: dict[str, Any]) -> None:
    schemas[ASKED]["properties"]["places"]["maximum"] = 30


def common(**changed: Any) -> Edit:
    return lambda _, delivery: delivery.update(changed)


def _set(schema: dict[str, Any], changed: dict[str, Any]) -> None:
    for keyword, value in changed.items():
        if value is None:
            del schema[keyword]
        else:
            schema[keyword] = value


@dataclass(frozen=True)
class Refused:
    what: str
    kind: Kind
    edit: Edit
    said: str
    broken: tuple[str, ...] = READERS
    before: dict[str, Any] | None = None


ALL_READERS = ("awards", "notifications", "registration-requests", OTHER_READERS)
REFUSED = [
    Refused(
        "a field is removed",
        Kind.field_removed,
        lambda s, _: fields(s).pop("graded_at"),
        "graded_at was removed",
    ),
    Refused("a field has another name", Kind.field_renamed, renamed, "score_percent was renamed to percent"),
    Refused(
        "an old field is required",
        Kind.field_newly_required,
        whole(required=["quiz_id", "score_percent", "kind", "mark", "points"]),
        "points is newly required",
    ),
    Refused(
        "a field may be missing",
        Kind.field_no_longer_required,
        whole(required=["quiz_id", "score_percent", "mark"]),
        "kind is no longer required",
    ),
    Refused(
        "a new field is required", Kind.new_field_required, added_and_required, "district is new and required"
    ),
    Refused(
        "another type",
        Kind.type_changed,
        field("score_percent", type="string"),
        "type was 'integer', is now 'string'",
    ),
    Refused(
        "null is allowed",
        Kind.null_allowed,
        field("mark", anyOf=[{"type": "string", "maxLength": 3}, {"type": "integer"}, {"type": "null"}]),
        "mark takes more kinds of value (2, now 3)",
    ),
    Refused(
        "null is refused",
        Kind.null_refused,
        field("note", anyOf=[{"type": "string"}]),
        "note takes fewer kinds of value (2, now 1)",
    ),
    Refused(
        "a union has fewer types",
        Kind.alternatives_fewer,
        field("mark", anyOf=[{"type": "integer"}]),
        "mark takes fewer kinds of value",
    ),
    Refused(
        "a union has more types",
        Kind.alternatives_more,
        field("mark", anyOf=[{"type": "string", "maxLength": 3}, {"type": "integer"}, {"type": "boolean"}]),
        "mark takes more kinds of value",
    ),
    Refused(
        "a type of a union is narrower",
        Kind.bound_narrowed,
        field("mark", anyOf=[{"type": "integer"}, {"type": "string", "maxLength": 2}]),
        "mark: maxLength was 3, is now 2",
    ),
    Refused(
        "a lower maximum",
        Kind.bound_narrowed,
        field("score_percent", maximum=50),
        "maximum was 100, is now 50",
    ),
    Refused(
        "a higher minimum", Kind.bound_narrowed, field("score_percent", minimum=1), "minimum was 0, is now 1"
    ),
    Refused(
        "a longer text", Kind.bound_widened, field("quiz_id", maxLength=128), "maxLength was 64, is now 128"
    ),
    Refused(
        "a longer list", Kind.bound_widened, field("options", maxItems=9), "options: maxItems was 8, is now 9"
    ),
    Refused(
        "a new bound", Kind.bound_added, field("graded_at", maxLength=40), "graded_at: maxLength was absent"
    ),
    Refused(
        "a bound is gone",
        Kind.bound_removed,
        field("score_percent", maximum=None),
        "maximum was 100, is now absent",
    ),
    Refused(
        "fewer words", Kind.words_fewer, field("kind", enum=["single"]), "['multiple'] is no longer allowed"
    ),
    Refused(
        "fewer words, by a constant",
        Kind.words_fewer,
        field("kind", enum=None, const="single"),
        "['multiple'] is no longer allowed",
    ),
    Refused(
        "more words",
        Kind.words_more,
        field("kind", enum=["single", "multiple", "essay"]),
        "['essay'] is newly allowed",
    ),
    Refused(
        "another constant",
        Kind.constant_changed,
        field("form", const="screen"),
        "const was 'paper', is now 'screen'",
    ),
    Refused(
        "another pattern",
        Kind.pattern_changed,
        field("quiz_id", pattern="^[a-z0-9]+$"),
        "pattern was '^[a-z]+$'",
    ),
    Refused(
        "no pattern",
        Kind.pattern_changed,
        field("quiz_id", pattern=None),
        "pattern was '^[a-z]+$', is now absent",
    ),
    Refused(
        "another format",
        Kind.format_changed,
        field("graded_at", format="date"),
        "format was 'date-time', is now 'date'",
    ),
    Refused(
        "another step", Kind.step_changed, field("points", multipleOf=0.25), "multipleOf was 0.5, is now 0.25"
    ),
    Refused("another default", Kind.default_changed, field("limit", default=90), "default was 60, is now 90"),
    Refused(
        "another unit",
        Kind.unit_changed,
        field("limit", description="In minutes."),
        "limit: the unit was seconds, is now minutes",
    ),
    Refused(
        "other names in a map",
        Kind.names_changed,
        field("answers", patternProperties={"^[A-Z]+$": {}}),
        "the pattern of names was",
    ),
    Refused(
        "narrower values in a map",
        Kind.bound_narrowed,
        field("answers", patternProperties={"^[a-z]+$": {"type": "string", "maxLength": 4}}),
        "answers.*: maxLength was 8, is now 4",
    ),
    Refused("an object is closed", Kind.object_closed, whole(additionalProperties=False), "not was absent"),
    Refused(
        "a nested field is narrower",
        Kind.bound_narrowed,
        option(
            properties={
                "text": {"type": "string", "maxLength": 100},
                "parts": {"type": "array", "items": {"$ref": "#/$defs/Option"}},
            }
        ),
        "options[].text: maxLength was 200, is now 100",
    ),
    Refused(
        "a nested field is required",
        Kind.field_newly_required,
        option(required=["text", "parts"]),
        "options[].parts is newly required",
    ),
    Refused(
        "a tuple has another length",
        Kind.rule_changed,
        field("place", prefixItems=[{"type": "number"}]),
        "prefixItems had 2 parts, has now 1",
    ),
    Refused(
        "an unknown rule",
        Kind.rule_changed,
        field("options", uniqueItems=True),
        "uniqueItems was absent, is now True",
    ),
    Refused("a contract is withdrawn", Kind.contract_withdrawn, withdrawn, "was withdrawn"),
    Refused(
        "a new version in the old topic",
        Kind.version_replaced,
        version_replaced,
        "was replaced by kepu.quiz.graded.v2 in the same topic, quiz.graded",
    ),
    Refused(
        "the end of an old version is brought forward",
        Kind.succession_shortened,
        sent(succeeded_by=succeeded("2027-06-01T00:00:00+00:00")),
        "was to be emitted until 2027-09-01T00:00:00+00:00, is now until 2027-06-01T00:00:00+00:00",
        READERS,
        SUCCEEDED,
    ),
    Refused(
        "the end of an old version is dropped",
        Kind.succession_dropped,
        sent(succeeded_by=None),
        "was to be emitted until 2027-09-01T00:00:00+00:00: this is no longer declared",
        READERS,
        SUCCEEDED,
    ),
    Refused(
        "an old version is withdrawn before its records are gone",
        Kind.withdrawn_early,
        withdrawn,
        "was withdrawn: its last record is gone only on 2028-03-08",
        READERS,
        SUCCEEDED,
    ),
    Refused(
        "another topic",
        Kind.topic_renamed,
        sent(topic="quiz.marked"),
        "its topic was quiz.graded, is now quiz.marked",
    ),
    Refused(
        "another key", Kind.key_changed, sent(key="quiz_id"), "its key was participant_id, is now quiz_id"
    ),
    Refused(
        "another partitioner",
        Kind.partitioner_changed,
        common(partitioner="murmur2 of the key"),
        "partitioner was 'crc32 of the key'",
        ALL_READERS,
    ),
    Refused(
        "fewer partitions",
        Kind.partitions_lowered,
        sent(partitions=6),
        "its topic had 12 partitions, has now 6",
    ),
    Refused(
        "more partitions",
        Kind.partitions_raised,
        sent(partitions=24),
        "its topic had 12 partitions, has now 24",
    ),
    Refused(
        "records are kept for a shorter time",
        Kind.retention_shortened,
        sent(retention_days=91),
        "retention_days was 182, is now 91",
    ),
    Refused(
        "only the latest record is kept",
        Kind.compaction_begun,
        sent(compacted=True),
        "only the latest record",
    ),
    Refused(
        "all records are kept",
        Kind.compaction_ended,
        sent(compacted=False),
        "earlier records of a key are kept",
        READERS,
        COMPACTED,
    ),
    Refused("the senders' clocks", Kind.clock_changed, sent(record_time="CreateTime"), "is now CreateTime"),
    Refused(
        "smaller bodies",
        Kind.body_limit_lowered,
        sent(body_bytes_max=1_024),
        "body_bytes_max was 65,536, is now 1,024",
    ),
    Refused(
        "larger bodies",
        Kind.body_limit_raised,
        sent(body_bytes_max=131_072),
        "body_bytes_max was 65,536, is now 131,072",
    ),
    Refused(
        "smaller records",
        Kind.record_limit_lowered,
        sent(ASKED, record_bytes_max=1_024),
        "record_bytes_max was 1,179,648",
        (OTHER_SENDERS,),
    ),
    Refused(
        "a header is gone",
        Kind.header_removed,
        header("ce_correlationid"),
        "header ce_correlationid is no longer sent",
        ALL_READERS,
    ),
    Refused(
        "a header is required",
        Kind.header_newly_required,
        header("ce_time", required=True),
        "header ce_time is newly required",
        (OTHER_SENDERS,),
    ),
    Refused(
        "a new header is required",
        Kind.header_newly_required,
        header("ce_partner", required=True),
        "header ce_partner is new and required",
        (OTHER_SENDERS,),
    ),
    Refused(
        "a header is not on every record",
        Kind.header_no_longer_sent,
        header("ce_subject", always_sent=False),
        "header ce_subject was on every record",
        ALL_READERS,
    ),
    Refused(
        "another form of the body",
        Kind.content_type_changed,
        common(content_type="application/avro"),
        "content_type was 'application/json'",
        ALL_READERS,
    ),
    Refused(
        "another service writes it",
        Kind.writer_changed,
        sent(written_by=["awards"]),
        "quiz wrote it, now awards",
    ),
    Refused(
        "a command is ours alone",
        Kind.closed_to_others,
        sent(ASKED, written_by=["quiz"]),
        "other systems may no longer write it",
        (OTHER_SENDERS,),
    ),
    Refused(
        "a command takes less",
        Kind.bound_narrowed,
        asked_for_fewer,
        "places: maximum was 60, is now 30",
        (*ASKED_READERS, OTHER_SENDERS),
    ),
]


@dataclass(frozen=True)
class Passes:
    what: str
    kind: Kind
    edit: Edit
    before: dict[str, Any] | None = None


PASSES = [
    Passes("an optional field", Kind.field_added, added),
    Passes(
        "an optional field of a part",
        Kind.field_added,
        lambda s, _: s[GRADED]["$defs"]["Option"]["properties"].update(hint={"type": "string"}),
    ),
    Passes("other words", Kind.reworded, field("limit", description="How many seconds there are.")),
    Passes("other words about an event", Kind.reworded, whole(description="A result, after 2 minutes.")),
    Passes("a field is deprecated", Kind.deprecated, field("note", deprecated=True)),
    Passes("a contract is deprecated", Kind.deprecated, whole(deprecated=True)),
    Passes("a new contract", Kind.contract_added, lambda s, _: s.update({"kepu.quiz.opened.v1": {}})),
    Passes("a new version beside the old", Kind.contract_added, version_beside),
    Passes("one more group reads it", Kind.reader_added, sent(read_by=["awards", "notifications", "map"])),
    Passes("a group no longer reads it", Kind.reader_left, sent(read_by=["awards"])),
    Passes("records are kept longer", Kind.retention_lengthened, sent(retention_days=365)),
    Passes("the topic takes larger records", Kind.record_limit_raised, sent(record_bytes_max=2_000_000)),
    Passes(
        "a version replaces it",
        Kind.succession_begun,
        sent(succeeded_by=succeeded("2027-09-01T00:00:00+00:00")),
    ),
    Passes(
        "the end of an old version is put off",
        Kind.succession_put_off,
        sent(succeeded_by=succeeded("2028-03-01T00:00:00+00:00")),
        SUCCEEDED,
    ),
    Passes("an old version is withdrawn after its records are gone", Kind.retired, withdrawn, SUCCEEDED),
    Passes("an optional header", Kind.header_added, header("ce_partner", always_sent=False)),
    Passes("other systems may write it", Kind.opened_to_others, sent(written_by=["quiz", "other systems"])),
]
# Nothing has changed for anybody: not even a line in the changelog.
SAME: dict[str, Edit] = {
    "nothing": lambda *_: None,
    "the order of fields": lambda s, _: s[GRADED].update(properties=dict(reversed(fields(s).items()))),
    "the order of required fields": whole(required=["mark", "kind", "score_percent", "quiz_id"]),
    "the order of words": field("kind", enum=["multiple", "single"]),
    "the order of a union": field("mark", anyOf=[{"type": "integer"}, {"type": "string", "maxLength": 3}]),
    "a list of one word, written as a constant": field("form", const=None, enum=["paper"]),
    "a title and an example": field("kind", title="Kind", examples=["single"]),
}


def after(edit: Edit, delivery: dict[str, Any] | None = None) -> tuple[Contracts, Contracts]:
    """The contracts before and after a change."""
    before = Contracts("0.3.0", deepcopy(SCHEMAS), deepcopy(delivery or DELIVERY))
    schemas, changed = deepcopy(SCHEMAS), deepcopy(delivery or DELIVERY)
    edit(schemas, changed)
    return before, Contracts("current", schemas, changed)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.what)
def test_breaking_change_is_refused_with_who_breaks_and_what_to_do_instead(case: Refused) -> None:
    before, today = after(case.edit, case.before)
    found = check([before], today, DURING)
    said = [one for one in found if one.change.kind == case.kind and case.said in one.change.said]
    assert said, [str(one) for one in found]
    assert said[0].broken == case.broken
    assert said[0].instead == BREAKING[case.kind].instead
    assert str(said[0]).split("\n")[1:] == [
        f"  breaks: {', '.join(case.broken)}",
        f"  instead: {BREAKING[case.kind].instead}",
    ]


def test_each_kind_of_breaking_change_has_a_case() -> None:
    assert {case.kind for case in REFUSED} == set(BREAKING)


@pytest.mark.parametrize("case", PASSES, ids=lambda case: case.what)
def test_harmless_change_passes_and_is_told(case: Passes) -> None:
    before, today = after(case.edit, case.before)
    assert check([before], today, GONE) == []
    found = differences(before, today, ends_of([before]), GONE)
    assert case.kind in {one.change.kind for one in found}


def test_each_kind_of_harmless_change_has_a_case() -> None:
    assert {case.kind for case in PASSES} == set(Kind) - set(BREAKING)


@pytest.mark.parametrize("edit", SAME.values(), ids=SAME)
def test_what_means_the_same_is_no_change(edit: Edit) -> None:
    before, today = after(edit)
    assert differences(before, today) == []


def test_old_version_may_go_although_the_releases_before_did_not_know_its_end() -> None:
    first, _ = after(withdrawn)
    second, today = after(withdrawn, SUCCEEDED)
    assert check([first, second], today, GONE) == []
    assert {one.change.kind for one in check([first, second], today, DURING)} == {Kind.withdrawn_early}


def test_topic_whose_readers_need_no_order_may_grow() -> None:
    grows = deepcopy(DELIVERY)
    grows["events"][GRADED]["partitions_may_grow"] = True
    before, today = after(sent(partitions=24), grows)
    assert check([before], today) == []


def test_release_that_has_only_schemas_is_compared_by_these() -> None:
    _, today = after(renamed)
    old = Contracts("0.2.0", deepcopy(SCHEMAS))
    [found] = [one for one in check([old], today) if one.change.kind == Kind.field_renamed]
    # Who reads it is known from today's topics.
    assert found.broken == READERS


def test_rename_in_a_contract_of_ours_names_its_groups() -> None:
    today = current()
    schema = deepcopy(dict(today.schemas[events.QuizCompleted.type]))
    schema["properties"]["percent"] = schema["properties"].pop("score_percent")
    changed = Contracts("current", {**today.schemas, events.QuizCompleted.type: schema}, today.delivery)
    first = check([today], changed)[0]
    assert str(first).startswith(
        "kepu.quiz.completed.v1, against release current: score_percent was renamed to percent"
    )
    assert first.broken == ("awards", "notifications", "webhooks", "overview", OTHER_READERS)


def test_every_contract_is_in_a_release_or_named_as_free() -> None:
    known = {type_ for one in releases() for type_ in one.schemas}
    assert {*unreleased(releases(), current()), *known} >= {contract.type for contract in events.ALL}


def test_newest_release_says_how_records_travel() -> None:
    newest = releases()[-1]
    assert newest.delivery is not None
    assert set(newest.delivery["events"]) == set(newest.schemas)


def test_release_must_be_above_the_newest_one(tmp_path: Path) -> None:
    release("0.9.0", tmp_path)
    for version in ("0.9.0", "0.8.0"):
        with pytest.raises(NotReleased, match="not above the newest release"):
            release(version, tmp_path)
    with pytest.raises(NotReleased, match="no version"):
        release("next", tmp_path)
    release("0.10.0", tmp_path)
    assert [one.name for one in releases(tmp_path)] == ["0.9.0", "0.10.0"]


def test_what_breaks_a_release_cannot_be_released(tmp_path: Path) -> None:
    release("0.9.0", tmp_path)
    kept = tmp_path / "released" / "0.9.0" / "topics.json"
    topics = json.loads(kept.read_text())
    topics["events"]["kepu.quiz.completed.v1"]["key"] = "quiz_id"
    kept.write_text(json.dumps(topics))
    with pytest.raises(NotReleased, match=r"its key was quiz_id, is now participant_id"):
        release("0.10.0", tmp_path)
    assert not (tmp_path / "released" / "0.10.0").exists()
