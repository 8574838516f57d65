"""What a wrong body is told: every wrong field, in the client's language, without what was sent."""

import json
from base64 import urlsafe_b64encode
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Literal, Self

import bson
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from shared.contracts.checked import Email, Id, Line, MomentIn, Name, Zone
from shared.runtime.errors import Invalid, Rejected
from shared.web import wording
from shared.web.forms import (
    FAULTS_MAX,
    SEPARATORS_MAX,
    Form,
    after_of,
    check_same_id,
    one_page,
    place_after,
    read_form,
)
from shared.web.problems import encoded
from shared.web.wording import Language, language_of

SECRET = "wang.fang@@example.org"


def odd(value: int) -> int:
    if value % 2 == 0:
        raise PydanticCustomError("places_even", "places are odd in {week}", {"week": "this week"})
    return value


class Session(Form):
    venue: Line
    starts_at: MomentIn


class Wish(Form):
    session_id: Id
    places: Annotated[int, Field(ge=1, le=5), AfterValidator(odd)] = 1
    name: Name
    email: Email | None = None
    zone: Zone = "Asia/Shanghai"
    audience: Literal["youth", "other"] = "other"
    sessions: Annotated[tuple[Session, ...], Field(max_length=3)] = ()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.name == "nobody":
            raise ValueError("somebody takes part")
        return self


def refused(body: object) -> Invalid:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(Invalid) as found:
        read_form(Wish, content)
    return found.value


def errors_of(error: Invalid, language: Language) -> list[dict[str, str]]:
    problem = json.loads(encoded(error, language).body)
    return list(problem["errors"])


WRONG = {
    "session_id": "Not An Id",
    "places": 9,
    "name": "see www.example.com",
    "email": SECRET,
    "zone": "Asia",
    "audience": "farmers",
    "sessions": [{"venue": "\u200b", "starts_at": 20260520}],
    "plcaes": 1,
}


def test_every_wrong_field_is_told_and_the_input_is_not() -> None:
    error = refused(WRONG)
    assert [(fault.field, fault.code) for fault in error.faults] == [
        ("body.session_id", "string_pattern_mismatch"),
        ("body.places", "less_than_equal"),
        ("body.name", "name_link"),
        ("body.email", "email"),
        ("body.zone", "zone_unknown"),
        ("body.audience", "literal_error"),
        ("body.sessions.0.venue", "line_blank"),
        ("body.sessions.0.starts_at", "moment_form"),
        ("body.plcaes", "extra_forbidden"),
    ]
    for language in ("en", "zh-CN"):
        body = encoded(error, language).body.decode()
        for sent in ("Not An Id", "www.example", SECRET, "farmers", "20260520"):
            assert sent not in body
    assert isinstance(error, Rejected)


def test_a_problem_speaks_one_language() -> None:
    error = refused(WRONG)
    english, chinese = encoded(error, "en"), encoded(error, "zh-CN")
    assert english.body.isascii()
    assert ("content-language", "en") in english.headers
    assert ("content-language", "zh-CN") in chinese.headers
    for fault in errors_of(error, "zh-CN"):
        assert not fault["detail"].isascii(), fault
    problem = json.loads(chinese.body)
    assert (problem["status"], problem["code"], problem["title"]) == (422, "invalid", "内容无法处理")
    assert problem["detail"] == "body.session_id: 必须符合 ^[a-z0-9][a-z0-9-]{0,63}$（另有 8 处错误）"
    assert json.loads(english.body)["detail"].endswith(" (8 more)")


def test_of_many_mistakes_some_are_listed_and_all_counted() -> None:
    error = refused({f"field-{number}": number for number in range(1_000)})
    assert (len(error.faults), error.count) == (FAULTS_MAX, 1_002)
    assert len(encoded(error).body) < 4_096


class Wishes(Form):
    wishes: list[Wish]


@pytest.mark.parametrize("part", [b"1", b"{}", b"null", b'{"session_id":1,"places":"x"}'])
def test_of_a_large_body_one_wrong_part_is_listed_and_no_other_makes_an_error(part: bytes) -> None:
    count = SEPARATORS_MAX + 1
    with pytest.raises(Invalid) as error:
        read_form(Wishes, b'{"wishes":[' + b",".join([part] * count) + b"]}")
    assert error.value.count < 10
    fields = {fault.field for fault in error.value.faults}
    assert all(field.startswith(("body.wishes.0", "body.session_id", "body.name")) for field in fields)


def test_of_a_large_body_one_unknown_field_is_listed() -> None:
    unknown = ",".join(f'"field-{number}":1' for number in range(SEPARATORS_MAX))
    error = refused(f"{{{unknown}}}".encode())
    assert error.count == 1
    assert error.faults[0].code in ("missing", "extra_forbidden")
    error = refused(f'{{"session_id":"a","name":"Wang",{unknown}}}'.encode())
    assert [(fault.field, fault.code) for fault in error.faults] == [("body.field-0", "extra_forbidden")]


def test_a_large_good_body_is_read() -> None:
    wish = b'{"session_id":"a","name":"Wang"}'
    form = read_form(Wishes, b'{"wishes":[' + b",".join([wish] * SEPARATORS_MAX) + b"]}")
    assert form.wishes == [read_form(Wish, wish)] * SEPARATORS_MAX


def test_a_list_of_wrong_items_is_not_told_that_it_is_too_short() -> None:
    class Day(Form):
        sessions: Annotated[tuple[Session, ...], Field(min_length=1)]

    def told(body: object) -> list[tuple[str, str]]:
        with pytest.raises(Invalid) as why:
            read_form(Day, json.dumps(body).encode())
        return [(fault.field, fault.code) for fault in why.value.faults]

    assert told({"sessions": [{"venue": "馆"}]}) == [("body.sessions.0.starts_at", "missing")]
    assert told({"sessions": []}) == [("body.sessions", "too_short")]


def test_a_field_with_a_long_name_is_cut_short() -> None:
    error = refused({"session_id": "a", "name": "Wang", "x" * 10_000: 1})
    assert len(error.faults[0].field) < 100


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"", "missing"), (b"{", "json_invalid"), (b"[]", "model_type"), (b"\xff", "json_invalid")],
)
def test_what_is_no_object_at_all_is_told_of_the_body(body: bytes, code: str) -> None:
    [fault] = refused(body).faults
    assert (fault.field, fault.code) == ("body", code)


def test_words_of_our_own_are_told_as_they_are_and_in_chinese_once_learnt() -> None:
    even = refused({"session_id": "a", "name": "Wang", "places": 2})
    assert errors_of(even, "en")[0]["detail"] == "places are odd in this week"
    assert errors_of(even, "zh-CN")[0]["detail"] == "places are odd in this week"
    wording.learn({"places_even": "{week} 的名额是奇数"})
    assert errors_of(even, "zh-CN")[0]["detail"] == "this week 的名额是奇数"
    nobody = refused({"session_id": "a", "name": "nobody"})
    assert errors_of(nobody, "en") == [
        {"field": "body", "code": "value_error", "detail": "somebody takes part"}
    ]


def test_an_error_is_told_in_chinese_with_its_values_or_else_in_english() -> None:
    wording.learn({"test_full": "场次 {session_id} 已满"})
    error = Rejected("session a is full", code="test_full", session_id="a")
    assert json.loads(encoded(error, "zh-CN").body)["detail"] == "场次 a 已满"
    assert json.loads(encoded(error, "en").body)["detail"] == "session a is full"
    for other in (Rejected("session a is full", code="test_full"), Rejected("no", code="test_unknown")):
        assert json.loads(encoded(other, "zh-CN").body)["detail"] == other.message


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("zh-CN", "zh-CN"),
        ("zh", "zh-CN"),
        ("zh-Hans-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("en;q=0.3, zh;q=0.4", "zh-CN"),
        ("fr, zh;q=0", "en"),
        ("fr, zh;q=0.1", "zh-CN"),
        ("*", "en"),
        ("zh;q=nonsense", "en"),
        ("\xff\x00,,;;q=", "en"),
        ("zh," * 10_000, "zh-CN"),
    ],
)
def test_the_language_is_the_one_that_the_client_prefers(accepted: str, language: str) -> None:
    assert language_of(accepted.encode("latin-1")) == language


def test_each_word_of_a_field_is_in_both_languages() -> None:
    for english, chinese in wording.FIELDS.values():
        assert english.isascii()
        assert not chinese.isascii()
        assert "{input" not in english + chinese


def test_a_place_of_a_page_comes_back_as_it_was() -> None:
    assert place_after(after_of(5, "a"), int, str) == (5, "a")
    assert place_after(None, int, str) is None
    for wrong in ("x", after_of("a", 5), "=" * 10):
        with pytest.raises(Rejected) as found:
            place_after(wrong, int, str)
        assert found.value.code == "after_invalid"


ZONES = st.builds(lambda minutes: timezone(timedelta(minutes=minutes)), st.integers(-1_439, 1_439))
TIMES = st.datetimes(timezones=st.none() | ZONES)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text()
    | st.binary()
    | TIMES
    | TIMES.map(datetime.isoformat)
    | st.sampled_from(["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-01-01T00:00:00"])
    | st.builds(msgspec.msgpack.Ext, st.integers(-128, 127), st.binary(max_size=16)),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(), parts, max_size=2),
    max_leaves=4,
)
AFTERS = (
    st.tuples(VALUES, VALUES).map(lambda place: urlsafe_b64encode(msgspec.msgpack.encode(place)).decode())
    | VALUES.map(lambda value: urlsafe_b64encode(msgspec.msgpack.encode(value)).decode())
    | st.binary(max_size=64).map(lambda content: urlsafe_b64encode(content).decode())
    | st.text(max_size=64)
)


@pytest.mark.parametrize("kinds", [(datetime, str), (int, str), (str,)], ids=str)
@given(after=AFTERS)
def test_what_no_page_gave_is_refused_or_can_be_asked_for(kinds: tuple[type, ...], after: str) -> None:
    # Every other error would be a 500.
    with suppress(Rejected):
        place = place_after(after, *kinds)
        assert place is not None
        for value in place:
            bson.encode({"": value.astimezone(UTC) if isinstance(value, datetime) else value})


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("0001-01-01T00:00:00+23:59", datetime),
        ("9999-12-31T23:59:59-23:59", datetime),
        ("2026-01-01T00:00:00", datetime),
        (2**63, int),
    ],
)
def test_a_place_beyond_every_database_is_none(value: object, kind: type) -> None:
    with pytest.raises(Rejected) as found:
        place_after(after_of(value, "a"), kind, str)
    assert found.value.code == "after_invalid"


def test_body_names_the_id_of_the_path_or_none() -> None:
    check_same_id(None, "one")
    check_same_id("one", "one")
    with pytest.raises(Rejected) as refused:
        check_same_id("other", "one")
    assert refused.value.code == "id_differs"


@pytest.mark.parametrize(("items", "pages"), [(0, [0]), (2, [2]), (3, [3]), (4, [3, 1]), (6, [3, 3])])
async def test_a_page_that_ends_the_list_names_no_other_one(items: int, pages: list[int]) -> None:
    found: list[int] = []
    after: str | None = None
    for size in pages:
        place = place_after(after, int)

        async def read(most: int, place: tuple[int, ...] | None = place) -> list[int]:
            return [one for one in range(items) if place is None or one > place[0]][:most]

        shown, after = await one_page(read, 3, lambda one: (one,))
        assert len(shown) == size
        found += shown
    assert after is None
    assert found == list(range(items))
