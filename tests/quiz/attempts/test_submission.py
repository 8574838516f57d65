"""The fast structs and the public contracts take and refuse the same bodies."""

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from services.quiz.attempts.bodies import AnswersIn
from services.quiz.attempts.submission import Submission, answered, decode, encoder, submission
from shared.contracts.envelope import decoder
from shared.contracts.events import QuizSubmitted
from shared.runtime.errors import Rejected
from tests.support.strategies import LINES, MOMENTS

# Every field of the contract; a test finds a field that is missing here.
SOUND: dict[str, Any] = {
    "attempt_id": "0b8f6c1e-3b0e-5c2f-9b7a-2f6f0a1d4c55",
    "quiz_id": "contest",
    "participant_id": "wang",
    "number": 1,
    "started_at": "2026-05-20T08:00:00Z",
    "submitted_at": "2026-05-20T08:01:00.123456+08:00",
    "answers": {"q1": "A", "q2": "ACD"},
    "group_id": None,
    "district": None,
    "quiz_version": None,
    "automatic": False,
}
TEXT = json.dumps(SOUND)


def body(**changes: object) -> bytes:
    return json.dumps(SOUND | changes, ensure_ascii=False).encode("utf-8", "surrogatepass")


def replaced(old: str, new: str) -> bytes:
    assert old in TEXT
    return TEXT.replace(old, new, 1).encode()


def with_tail(tail: bytes) -> bytes:
    return TEXT.encode()[:-1] + tail


def many_answers(count: int) -> dict[str, str]:
    return {f"q{n}": "A" for n in range(count)}


NASTY: dict[str, tuple[bytes, bool]] = {
    "as it should be": (body(), True),
    "without the optional fields": (b"%s}" % TEXT.encode().split(b', "group_id"')[0], True),
    "empty answers": (body(answers={}), True),
    "a district that NFC makes too long": (body(district="\U0001d163" * 200), False),
    "a district that NFC makes longer": (body(district="\U0001d163" * 60), True),
    "a year that is another in UTC": (body(started_at="2000-01-01T00:00:00+08:00"), False),
    "the same with a field that nobody knows": (body(started_at="2000-01-01T00:00:00+08:00", extra=1), False),
    "the last year as it is in UTC": (body(submitted_at="2099-12-31T23:00:00Z"), True),
    "200 answers": (body(answers=many_answers(200)), True),
    "201 answers": (body(answers=many_answers(201)), False),
    "201 times the same answer": (
        replaced('{"q1": "A", "q2": "ACD"}', "{" + ",".join(['"q1":"A"'] * 201) + "}"),
        True,
    ),
    "a letter beyond H": (body(answers={"q1": "I"}), False),
    "a lower-case letter": (body(answers={"q1": "a"}), False),
    "a full-width letter": (body(answers={"q1": "Ａ"}), False),
    "no letter": (body(answers={"q1": ""}), False),
    "nine letters": (body(answers={"q1": "ABCDEFGHA"}), False),
    "a letter twice": (body(answers={"q1": "AA"}), True),
    "a letter and a line end": (body(answers={"q1": "A\n"}), False),
    "two answers in one": (body(answers={"q1": "A\nB"}), False),
    "an empty answer among others": (body(answers={"q1": "A", "q2": "", "q3": "B"}), False),
    "two question ids in one": (body(answers={"q1\nq2": "A"}), False),
    "an empty question id": (body(answers={"": "A"}), False),
    "two ids in one": (body(participant_id="a\nb"), False),
    "an empty group": (body(group_id=""), False),
    "an answer that is null": (body(answers={"q1": None}), False),
    "an answer that is a list": (body(answers={"q1": ["A"]}), False),
    "a question id and a line end": (body(answers={"q1\n": "A"}), False),
    "an upper-case question id": (body(answers={"Q1": "A"}), False),
    "answers null": (body(answers=None), False),
    "answers a list": (body(answers=[]), False),
    "an id and a line end": (body(attempt_id="a\n"), False),
    "an id of 65 characters": (body(participant_id="a" * 65), False),
    "an id that starts with a dash": (body(quiz_id="-a"), False),
    "an id null": (body(quiz_id=None), False),
    "a number of 0": (body(number=0), False),
    "a number of 101": (body(number=101), False),
    "a number that is a float": (body(number=1.0), False),
    "a number in scientific notation": (replaced('"number": 1', '"number": 1e0'), False),
    "a number as text": (body(number="1"), False),
    "a number that is true": (body(number=True), False),
    "a number null": (body(number=None), False),
    "a number of 5,000 digits": (replaced('"number": 1', '"number": 1' + "0" * 5000), False),
    "a number that is NaN": (replaced('"number": 1', '"number": NaN'), False),
    "a time without a zone": (body(started_at="2026-05-20T08:00:00"), False),
    "a time as a number": (body(started_at=1_779_000_000), False),
    "a time null": (body(started_at=None), False),
    "a day that does not exist": (body(started_at="2026-02-29T08:00:00Z"), False),
    "a zone of 24 hours": (body(started_at="2026-05-20T08:00:00+24:00"), False),
    "a leap second": (body(started_at="2026-05-20T08:00:60Z"), False),
    "a time in lower case": (body(started_at="2026-05-20t08:00:00z"), True),
    "a time without seconds": (body(started_at="2026-05-20T08:00Z"), True),
    "the first moment there is": (body(started_at="0001-01-01T00:00:00+14:00"), False),
    "the last moment there is": (body(started_at="9999-12-31T23:59:59-14:00"), False),
    "the last moment before the first year": (body(submitted_at="1999-12-31T23:59:59Z"), False),
    "the first moment of the years": (body(started_at="2000-01-01T00:00:00Z"), True),
    "district empty": (body(district=""), False),
    "district of 200 characters": (body(district="𠀀" * 200), True),
    "district of 201 characters": (body(district="区" * 201), False),
    "district with NUL": (body(district="\0"), False),
    "district with a line break": (body(district="范\n县"), False),
    "district that nobody sees": (body(district="\u3164"), False),
    "district with spaces around it": (body(district=" 范县 "), True),
    "district not in NFC": (body(district="e\u0301"), True),
    "a version": (body(quiz_version=3), True),
    "a version of 0": (body(quiz_version=0), False),
    "a version beyond a double": (body(quiz_version=2**53 + 1), False),
    "district with a raw control character": (replaced('"district": null', '"district": "a\x01"'), False),
    "district with a lone surrogate, escaped": (replaced('"district": null', '"district": "\\ud800"'), False),
    "district with a lone surrogate, encoded": (body(district="\ud800"), False),
    "district that is no UTF-8": (TEXT.encode().replace(b'"district": null', b'"district": "\xff"'), False),
    "an unknown field": (body(surprise=[1, {"a": None}]), True),
    "an unknown field that is no UTF-8": (with_tail(b', "surprise": "\xff"}'), False),
    "an unknown name that is no UTF-8": (with_tail(b', "\xff": 1}'), False),
    "an unknown field of 500 nested lists": (with_tail(b', "s": ' + b"[" * 500 + b"]" * 500 + b"}"), False),
    "a field twice": (with_tail(b', "number": 2}'), True),
    "a field twice, the last one wrong": (with_tail(b', "number": 200}'), False),
    "an answer twice, the last one wrong": (replaced('"q1": "A"', '"q1": "A", "q1": "Z"'), False),
    "a field missing": (TEXT.replace('"number": 1, ', "").encode(), False),
    "names written as escapes": (replaced('"q1"', '"\\u0071\\u0031"'), True),
    "a comma too many": (with_tail(b",}"), False),
    "something behind it": (TEXT.encode() + b" x", False),
    "a second one behind it": (TEXT.encode() * 2, False),
    "blanks around it": (b"\n\t " + TEXT.encode() + b" \r\n", True),
    "a byte order mark": (b"\xef\xbb\xbf" + TEXT.encode(), False),
    "UTF-16": (TEXT.encode("utf-16"), False),
    "a list": (b"[]", False),
    "null": (b"null", False),
    "nothing": (b"", False),
}


def by_struct(value: bytes) -> Submission | None:
    try:
        return submission.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def by_contract(value: bytes) -> QuizSubmitted | None:
    """As every consumer reads the contract: JSON has no infinity, which pydantic alone would take."""
    try:
        return decoder(QuizSubmitted)([value])[0]
    except Rejected:
        return None


def by_decoder(value: bytes) -> Submission | None:
    try:
        return decode([value])[0]
    except Rejected:
        return None


def same(struct: Submission, contract: QuizSubmitted) -> bool:
    """Equal, but for what is less than a millisecond: the contract cuts it off, and a result as well."""
    ours, theirs = msgspec.structs.asdict(struct), contract.model_dump()
    times = [(ours.pop(name), theirs.pop(name)) for name in ("started_at", "submitted_at")]
    return ours == theirs and all(abs(a - b) <= timedelta(milliseconds=1, microseconds=1) for a, b in times)


def agree(value: bytes) -> bool:
    """Whether the body is taken, after seeing that all three judge alike."""
    struct, contract, decoded = by_struct(value), by_contract(value), by_decoder(value)
    assert (decoded is None) == (contract is None)
    if contract is None:
        assert struct is None, "msgspec takes what the contract refuses"
        return False
    assert decoded is not None
    assert same(decoded, contract)
    assert struct is None or same(struct, contract)
    return True


@pytest.mark.parametrize("case", NASTY)
def test_struct_and_contract_judge_alike(case: str) -> None:
    value, taken = NASTY[case]
    assert agree(value) == taken


WORDS = st.sampled_from(
    ["q1", "wang", "A", "ACD", "华龙区", "2026-05-20T08:00:00Z", "", "a\n", "A\n", "\0", "\ud800"]
)
OFFSETS = st.sampled_from([0, 480, 345, -840, 1439]).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.datetimes(timezones=OFFSETS).map(datetime.isoformat)
VALUES: st.SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | WORDS | TIMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=200)
@given(st.dictionaries(st.sampled_from([*SOUND, "surprise"]), VALUES, max_size=3))
def test_any_change_of_a_field_is_judged_alike(changes: dict[str, object]) -> None:
    agree(body(**changes))


@settings(max_examples=200)
@given(st.integers(0, len(TEXT) - 1), st.integers(0, 3), st.binary(max_size=2))
def test_any_change_of_bytes_is_judged_alike(place: int, length: int, instead: bytes) -> None:
    value = TEXT.encode()
    agree(value[:place] + instead + value[place + length :])


# Values that one kind of field or another must refuse, or that the contract writes in another way.
ODD: tuple[object, ...] = (
    None,
    True,
    0,
    -1,
    2**53 + 1,
    1.5,
    [],
    {},
    {"q1": "I"},
    {"q1\n": "A"},
    "",
    "a\n",
    "a\nb",
    "-a",
    "A b",
    " a ",
    "a" * 65,
    "区" * 201,
    "e\u0301",
    "\0",
    "\u3164",
    "2026-05-20T08:00:00",
    "2000-01-01T00:00:00+08:00",
    "9999-12-31T23:59:59-14:00",
)
MADE: dict[str, st.SearchStrategy[Any]] = {
    "attempt_id": st.uuids().map(str),
    "quiz_id": st.just("contest"),
    "participant_id": st.uuids().map(str),
    "number": st.integers(1, 100),
    "started_at": MOMENTS,
    "submitted_at": MOMENTS,
    "answers": st.dictionaries(
        st.integers(0, 999).map(lambda n: f"q{n}"), st.text("ABCDEFGH", min_size=1, max_size=8)
    ),
    "group_id": st.none() | st.just("group-1"),
    "district": st.none() | LINES,
    "quiz_version": st.none() | st.integers(1, 2**53),
    "automatic": st.booleans(),
}


def test_struct_and_examples_have_every_field_of_the_contract() -> None:
    fields = list(QuizSubmitted.model_fields)
    assert fields == list(Submission.__struct_fields__) == list(SOUND) == list(MADE)


@pytest.mark.parametrize("field", QuizSubmitted.model_fields)
def test_odd_values_of_each_field_are_judged_alike(field: str) -> None:
    for value in ODD:
        agree(body(**{field: value}))


@given(st.builds(Submission, **MADE))
def test_what_intake_writes_the_contract_reads(sent: Submission) -> None:
    value = encoder.encode(sent)
    read = by_struct(value)
    assert read is not None, "on the fast way"
    assert msgspec.structs.asdict(read) == msgspec.structs.asdict(sent)
    assert agree(value)


def test_one_wrong_value_refuses_the_set_and_is_found_alone() -> None:
    good, bad = body(), body(number=0)
    with pytest.raises(Rejected):
        decode([good, bad])
    assert decode([good, good]) == [by_struct(good)] * 2


def http_struct(value: bytes) -> bool:
    try:
        answered.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
    return True


def http_contract(value: bytes) -> bool:
    try:
        AnswersIn.model_validate_json(value)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("value", "taken"),
    [
        (b'{"answers": {"q1": "A"}}', True),
        (b'{"answers": {}}', True),
        (b"{}", False),
        (b'{"answers": null}', False),
        (b'{"answers": {"q1": "A"}, "note": 1}', False),
        (b'{"answers": {"q1": "A\\n"}}', False),
        (b'{"answers": {"q1": "a"}}', False),
        (b'{"answers": {"q1": ["A"]}}', False),
        (b'{"answers": {"q1": "A", "q1": "B"}}', True),
        (json.dumps({"answers": many_answers(200)}).encode(), True),
        (json.dumps({"answers": many_answers(201)}).encode(), False),
        (b'{"answers": {"q1": NaN}}', False),
        (b'{"answers": {"\\ud800": "A"}}', False),
        (b"", False),
    ],
)
def test_the_http_body_is_judged_as_its_document_says(value: bytes, taken: bool) -> None:
    assert http_struct(value) == http_contract(value) == taken


@settings(max_examples=200)
@given(st.dictionaries(WORDS, VALUES, max_size=3))
def test_any_answers_over_http_are_judged_alike(answers: dict[str, object]) -> None:
    value = json.dumps({"answers": answers}).encode()
    assert http_struct(value) == http_contract(value)
