"""What may change in a contract once it is released, and what may not."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from ops.contracts.compatibility import breaks
from shared.contracts.envelope import Part


class Option(Part):
    """A choice."""

    id: str
    text: Annotated[str, Field(max_length=200)]


class Released(Part):
    """As it was released."""

    quiz_id: Annotated[str, Field(pattern="^[a-z]+$", max_length=64)]
    places: Annotated[int, Field(ge=1, le=60)] = 1
    kind: Literal["single", "multiple"]
    group_id: str | None
    note: str | None = None
    options: Annotated[tuple[Option, ...], Field(max_length=8)]
    answers: dict[Annotated[str, Field(pattern="^[a-z]+$")], Annotated[str, Field(max_length=8)]]


class OptionWithHint(Option):
    hint: str | None = None


class OptionWithWeight(Option):
    weight: int


class LongerOption(Option):
    text: Annotated[str, Field(max_length=400)]


class WithOptionalField(Released):
    """Said in other words, and with a field more."""

    district: str | None = None


class WithOptionalFieldInside(Released):
    options: Annotated[tuple[OptionWithHint, ...], Field(max_length=8)]


class Reworded(Released):
    """Said in other words."""

    quiz_id: Annotated[
        str, Field(pattern="^[a-z]+$", max_length=64, description="Which quiz", examples=["puyang"])
    ]


class Removed(Part):
    quiz_id: Annotated[str, Field(pattern="^[a-z]+$", max_length=64)]
    places: Annotated[int, Field(ge=1, le=60)] = 1
    kind: Literal["single", "multiple"]
    group_id: str | None
    options: Annotated[tuple[Option, ...], Field(max_length=8)]
    answers: dict[Annotated[str, Field(pattern="^[a-z]+$")], Annotated[str, Field(max_length=8)]]


class Renamed(Removed):
    remark: str | None = None


class NewlyRequired(Released):
    note: str | None


class NewAndRequired(Released):
    district: str


class NoLongerRequired(Released):
    group_id: str | None = None


class Narrowed(Released):
    places: Annotated[int, Field(ge=1, le=30)] = 1


class Widened(Released):
    places: Annotated[int, Field(ge=1, le=90)] = 1


class RaisedFloor(Released):
    places: Annotated[int, Field(ge=2, le=60)] = 2


class AnotherDefault(Released):
    places: Annotated[int, Field(ge=1, le=60)] = 2


class NewlyBounded(Released):
    note: Annotated[str, Field(max_length=20)] | None = None


class NoLongerBounded(Released):
    quiz_id: Annotated[str, Field(pattern="^[a-z]+$")]


class AnotherPattern(Released):
    quiz_id: Annotated[str, Field(pattern="^[a-z0-9]+$", max_length=64)]


class AnotherType(Released):
    quiz_id: int  # type: ignore[assignment]


class FewerWords(Released):
    kind: Literal["single"]


class MoreWords(Released):
    kind: Literal["single", "multiple", "essay"]  # type: ignore[assignment]


class NoLongerNull(Released):
    group_id: str


class NewlyNull(Released):
    kind: Literal["single", "multiple"] | None  # type: ignore[assignment]


class RequiredInside(Released):
    options: Annotated[tuple[OptionWithWeight, ...], Field(max_length=8)]


class WidenedInside(Released):
    options: Annotated[tuple[LongerOption, ...], Field(max_length=8)]


class NamesChanged(Released):
    answers: dict[Annotated[str, Field(pattern="^[a-z0-9]+$")], Annotated[str, Field(max_length=8)]]


class NarrowedValues(Released):
    answers: dict[Annotated[str, Field(pattern="^[a-z]+$")], Annotated[str, Field(max_length=4)]]


def found(changed: type[Part]) -> list[str]:
    return [one.said for one in breaks(Released.model_json_schema(), changed.model_json_schema())]


@pytest.mark.parametrize("harmless", [Released, WithOptionalField, WithOptionalFieldInside, Reworded])
def test_harmless_change_passes(harmless: type[Part]) -> None:
    assert found(harmless) == []


@pytest.mark.parametrize(
    ("breaking", "said"),
    [
        (Removed, "note was removed or renamed: released readers would refuse new records"),
        (Renamed, "note was renamed to remark: released readers would refuse new records"),
        (NewlyRequired, "note is newly required; readers would refuse records that exist"),
        (NewAndRequired, "district is new and required: give it a default"),
        (NoLongerRequired, "group_id is no longer required: released readers would refuse new records"),
        (Narrowed, "places: maximum was 60, is now 30: readers would refuse records that exist"),
        (Widened, "places: maximum was 60, is now 90: released readers would refuse new records"),
        (RaisedFloor, "places: minimum was 1, is now 2: readers would refuse records that exist"),
        (AnotherDefault, "places: default was 1, is now 2: records without it would mean something else"),
        (NewlyBounded, "note: maxLength was absent, is now 20: readers would refuse records that exist"),
        (NoLongerBounded, "quiz_id: maxLength was 64, is now absent: released readers would refuse"),
        (AnotherPattern, "quiz_id: pattern was '^[a-z]+$', is now '^[a-z0-9]+$'"),
        (AnotherType, "quiz_id: type was 'string', is now 'integer'"),
        (FewerWords, "kind: ['multiple'] is no longer allowed: readers would refuse records that exist"),
        (MoreWords, "kind: ['essay'] is newly allowed: released readers would refuse new records"),
        (NoLongerNull, "group_id takes fewer kinds of value"),
        (NewlyNull, "kind takes more kinds of value"),
        (RequiredInside, "options[].weight is new and required"),
        (WidenedInside, "options[].text: maxLength was 200, is now 400"),
        (NamesChanged, "answers: the pattern of names was ['^[a-z]+$'], is now ['^[a-z0-9]+$']"),
        (NarrowedValues, "answers.*: maxLength was 8, is now 4: readers would refuse records that exist"),
    ],
)
def test_breaking_change_is_named(breaking: type[Part], said: str) -> None:
    assert any(what.startswith(said) for what in found(breaking)), found(breaking)


@pytest.mark.parametrize("value", [True, {}])
def test_map_that_takes_anything_stays_as_it_is(value: Any) -> None:
    schema = {"type": "object", "additionalProperties": value}
    assert breaks(schema, {"type": "object", "additionalProperties": True}) == []


def test_closing_an_object_breaks_later_records() -> None:
    closed = {"type": "object", "additionalProperties": False}
    assert [one.said for one in breaks({"type": "object"}, closed)] == [
        ".*: not was absent, is now {}: readers would refuse records that exist"
    ]
