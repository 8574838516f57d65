"""What is checked where it enters: times, lines, texts, names, addresses, codes, zones."""

import re
import sys
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.contracts import checked
from shared.contracts.checked import Email, Line, Moment, MomentIn, Name, PersonalLine, Text, Zone
from shared.contracts.typed_codes import typed_code


def read(kind: Any, value: object) -> Any:
    return TypeAdapter(kind).validate_python(value)


def refusal(kind: Any, value: object) -> str:
    with pytest.raises(ValidationError) as refused:
        read(kind, value)
    return refused.value.errors()[0]["type"]


@pytest.mark.parametrize(
    "text",
    ["a\nb", "a\rb", "a\u2028b", "a\u2029b", "a\x00b", "a\x85b", "a\x1bb", "a\tb"],
    ids=lambda text: f"U+{ord(text[1]):04X}",
)
def test_a_line_holds_no_line_break_and_no_control_character(text: str) -> None:
    assert refusal(Line, text) == "line_control"
    assert refusal(Name, text) == "line_control"


@pytest.mark.parametrize(
    "text", [" ", "\u3000", "\u200b\u200b", "\u3164", "\u2800", "\u00ad", "\u200d", "\u0301"], ids=ascii
)
def test_a_line_that_nobody_can_see_is_refused(text: str) -> None:
    assert refusal(Line, text) == "line_blank"


def test_a_line_holds_no_mark_that_turns_the_direction_of_writing() -> None:
    assert refusal(Line, "invoice\u202efdp.exe") == "line_direction"


def test_a_line_is_brought_to_one_form() -> None:
    assert read(Line, " cafe\u0301\u200b ") == "caf\u00e9"
    assert read(Line, "科普 宣传一条街") == "科普 宣传一条街"
    # A family emoji is several characters joined by an invisible one.
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    assert read(Line, family) == family


@pytest.mark.parametrize(
    "kind", [Line, Text, Name, PersonalLine], ids=["Line", "Text", "Name", "PersonalLine"]
)
@pytest.mark.parametrize(
    "text",
    [
        "a\ue000",
        "a\uf8ff",
        "a\U000f0000",
        "a\U0010fffd",
        "a\ufdd0",
        "a\uffff",
        "a\U0001fffe",
        "a\ufff9b\ufffa",
    ],
    ids=ascii,
)
def test_a_character_that_means_something_else_in_each_system_is_refused(kind: Any, text: str) -> None:
    assert refusal(kind, text) == "character_unknown"


@pytest.mark.parametrize(
    "kind", [Line, Text, Name, PersonalLine], ids=["Line", "Text", "Name", "PersonalLine"]
)
@pytest.mark.parametrize("between", ["", "\u200d"], ids=["", "joined"])
def test_a_tower_of_marks_is_refused(kind: Any, between: str) -> None:
    # \u0315 joins with no letter in NFC.
    assert refusal(kind, "王" + between.join("\u0315" * (checked.MARKS_MAX + 1))) == "marks_too_many"
    few = "王" + between.join("\u0315" * checked.MARKS_MAX)
    assert read(kind, few + few) == few + few


@pytest.mark.parametrize("text", ["1\ufe0f\u20e3", "รู้ที่", "རྐྱོན", "שָׁלוֹם", "क्षत्रिय", "Nguyễn Thị Ánh"], ids=ascii)
def test_marks_that_scripts_need_are_taken(text: str) -> None:
    for kind in (Line, Text, Name, PersonalLine):
        assert unicodedata.normalize("NFC", text) == read(kind, text)


def test_what_is_plain_is_what_the_long_way_would_leave_as_it_is() -> None:
    plain = re.compile(checked._PLAIN_TEXT)
    for character in map(chr, range(sys.maxunicode + 1)):
        if plain.fullmatch(character) and character not in "\n\t":
            assert unicodedata.normalize("NFC", character) == character
            assert unicodedata.category(character)[0] in "LNPS" or character == " "
            assert not checked._TEXT_CONTROL.search(character)


def test_no_process_keeps_a_personal_line() -> None:
    kept = checked.line.cache_info()
    assert read(PersonalLine, " 讲解员李老师很耐心 ") == "讲解员李老师很耐心"
    assert refusal(PersonalLine, "a\nb") == "line_control"
    assert checked.line.cache_info() == kept


def test_texts_that_differ_in_width_or_spaces_alone_are_the_same_to_readers() -> None:
    same = {checked.same_to_readers(text) for text in ("Ａ 1", "A\u30001", "A\u00a0１", " A  1 ")}
    assert same == {"A 1"}
    assert checked.same_to_readers("A1") != "A 1"
    assert checked.same_to_readers("10²") != checked.same_to_readers("102")
    assert checked.same_to_readers("H₂O") != checked.same_to_readers("H2O")


def test_a_text_keeps_its_lines_and_holds_nothing_else_that_controls() -> None:
    assert read(Text, "第一行\r\n第二行\n") == "第一行\n第二行\n"
    assert refusal(Text, "a\u2028b") == "text_control"
    assert refusal(Text, "a\rb") == "text_control"


@pytest.mark.parametrize(
    "text",
    [
        "http://evil.cn",
        "www.evil.cn 点击",
        "领奖 evil。com",
        "e\uff56il.com",
        "evil.co 领奖",
        "evil.io/x",
        "evil.app",
        "1.2.3.4/x",
        *(
            "evil.ru",
            "EVIL.RU",
            "Evil.Icu",
            "evil1.hk",
            "e-vil.museum",
            "bit.ly",
            "t.co",
            "X.Com",
            "g.cn",
            "v.ru",
        ),
        *(
            "evil.中国",
            "恶意.中国",
            "淘.中国",
            "恶意.ru",
            "зло.рф",
            "évil.de",
            "領獎 evil。ru",
            "evil\uff61icu",
        ),
        *(
            "恶意。com",
            "恶意\uff0ecom",
            "恶意\uff61com",
            "恶意\ufe12RU",
            "恶意。com领奖",
            "恶意。xn--p1ai",
            "зло。рф",
            "恶意。中国",
            "恶意\uff61中国",
        ),
        *("mailto:a@evil.ru", "a@b", "a\uff20b", "//evil", "\uff0f\uff0fevil", "s.evil.ru", "evil\u2024ru"),
        *(
            "e\u200dvil.c\u200dom",
            "evil.r\u200cu",
            "evil.\u034fru",
            "evil.r\ufe0fu",
            "evil.r\u2063u",
            "भी.ru",
        ),
    ],
)
def test_a_name_is_no_link(text: str) -> None:
    assert refusal(Name, text) == "name_link"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "李小明",
            "O'Brien",
            "J. R. Smith",
            "J.R.Smith",
            "A.Li",
            "St. John",
            "Muñoz-García",
            "Wang Xiaoming 3",
        ),
        *(
            "欧阳·阿依古丽",
            "阿依古丽.买买提",
            "د.أحمد",
            "John Smith, Ph.D.",
            "علی\u200cرضا",
            "क्\u200dष",
            "👩\u200d🔬",
        ),
        *("天气原因。PK赛取消。", "天气原因。A座停电", "天气原因。中国科技馆闭馆"),
        *("No.1中学", "天气原因。活动取消，请改约7/8日。", "XX Co., Ltd.", "上午/下午", "1.5米线"),
    ],
)
def test_names_of_people_are_taken(text: str) -> None:
    assert read(Name, text) == text


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00+23:59",
        "0001-01-01T00:00:00+08:00",
        "9999-12-31T23:59:59-23:59",
        "9999-12-31T20:00:00Z",
        "1999-12-31T23:59:59Z",
        "2100-01-01T00:00:00Z",
    ],
)
def test_a_time_outside_the_range_is_refused(text: str) -> None:
    assert refusal(Moment, text) == "moment_range"
    assert refusal(MomentIn, text) == "moment_range"


@given(
    st.datetimes(datetime(2000, 1, 2), datetime(2099, 12, 30)),  # noqa: DTZ001 (the zone is drawn beside it)
    st.integers(-23 * 60, 23 * 60),
)
def test_a_time_is_read_in_utc_and_can_be_counted_with(naive: datetime, minutes: int) -> None:
    value = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    found = read(Moment, value)
    assert found.tzinfo is UTC
    assert timedelta() <= value - found < timedelta(milliseconds=1)
    assert found - timedelta(days=366) < found + timedelta(days=366)


@pytest.mark.parametrize("value", [1_684_540_800, 1.5, "1684540800", "-1", True])
def test_a_number_is_no_time_in_a_body(value: object) -> None:
    assert refusal(MomentIn, value) == "moment_form"


@pytest.mark.parametrize(
    "text",
    ["Asia", "asia/shanghai", "中" * 60, "../etc/passwd", "Asia/Shanghai\x00", "localtime", "Mars/Base"],
)
def test_a_zone_that_the_tz_database_does_not_name_is_refused(text: str) -> None:
    assert refusal(Zone, text) == "zone_unknown"


@pytest.mark.parametrize("text", ["Asia/Shanghai", "UTC", "Europe/London", "America/Argentina/Ushuaia"])
def test_zones_of_the_tz_database_are_taken(text: str) -> None:
    assert read(Zone, text) == text


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("o'brien@example.ie", "o'brien@example.ie"),
        ("li@例子.中国", "li@例子.中国"),
        ("li@例子。中国", "li@例子.中国"),
        ("１２３＠qq．com", "123@qq.com"),
        (" li@Example.ORG ", "li@example.org"),
        ("王@例子.中国", "王@例子.中国"),
        ("a+b-c_d@sub.example.org", "a+b-c_d@sub.example.org"),
    ],
)
def test_addresses_are_taken_in_one_form(typed: str, kept: str) -> None:
    assert read(Email, typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "li-at-example.org",
        "li@",
        "@example.org",
        "li@localhost",
        "li@example",
        "a b@example.org",
        "a..b@example.org",
        "li@-example.org",
        "li@example.org\nBcc: x@example.org",
        "li@example.org, x@example.org",
        '"li x"@example.org',
        "li@[127.0.0.1]",
        "x" * 65 + "@example.org",
        "王" * 22 + "@example.org",
        "li@host.local",
        "li@site.test",
    ],
)
def test_what_no_mail_server_could_be_handed_is_refused(typed: str) -> None:
    assert refusal(Email, typed) == "email"


PLAIN = st.from_regex(r"[a-z0-9_+'.-]{1,70}@[a-z0-9-]{1,12}(\.[a-z0-9-]{1,12}){0,3}", fullmatch=True)


@given(PLAIN)
def test_the_short_way_for_plain_addresses_says_what_the_library_says(typed: str) -> None:
    try:
        expected: str | None = validate_email(typed, check_deliverability=False).normalized
        if typed.find("@") > checked.EMAIL_LOCAL_BYTES_MAX:
            expected = None
    except EmailNotValidError:
        expected = None
    try:
        found: str | None = checked.email(typed)
    except ValueError:
        found = None
    assert found == expected


@pytest.mark.parametrize(
    ("typed", "read_as"),
    [
        ("7k3qx-m0r9t", "7K3QXM0R9T"),
        ("７Ｋ３ＱＸ－Ｍ０Ｒ９Ｔ", "7K3QXM0R9T"),
        ("7K3QX—M0R9T", "7K3QXM0R9T"),
        ("7k3qx\u2010mor9t", "7K3QXM0R9T"),
        (" 7K3QX \u2212 M0R9T ", "7K3QXM0R9T"),
        ("7K3QX\u30fcM0R9T\u200b", "7K3QXM0R9T"),
        ("il0", "110"),
    ],
)
def test_a_code_is_read_however_it_is_typed(typed: str, read_as: str) -> None:
    assert typed_code(typed) == read_as


# Characters that NFC or NFKC makes longer, shorter or something else.
GROWING = st.text(
    st.sampled_from(
        "\U0001d163\u0958\ufb4a\u0344e\u0301\u200b\u00a0\u3000Ａ。 a\u1100\u1161\u0338=\u2126"
        "\ue000\ufdd0\ufff9\u0315\u200d"
    ),
    max_size=210,
)


@pytest.mark.parametrize(
    "kind", [Line, Text, Name, Email, Zone], ids=["Line", "Text", "Name", "Email", "Zone"]
)
@given(text=st.one_of(GROWING, st.text(max_size=210), GROWING.map(lambda text: f"{text}@example.org")))
def test_what_is_taken_is_taken_again_unchanged(kind: Any, text: str) -> None:
    try:
        taken = read(kind, text)
    except ValidationError:
        return
    assert read(kind, taken) == taken


@pytest.mark.parametrize(
    ("kind", "chars_max"),
    [(Line, checked.LINE_CHARS_MAX), (Text, checked.TEXT_CHARS_MAX), (Name, checked.NAME_CHARS_MAX)],
    ids=["Line", "Text", "Name"],
)
def test_a_text_that_grows_beyond_its_bound_is_refused(kind: Any, chars_max: int) -> None:
    assert refusal(kind, "\U0001d163" * chars_max) == "string_too_long"


@pytest.mark.parametrize("text", ["2000-01-01T00:00:00+08:00", "2099-12-31T23:00:00-10:00"])
def test_a_time_that_leaves_the_range_on_its_way_to_utc_is_refused(text: str) -> None:
    assert refusal(Moment, text) == "moment_range"


@given(text=st.text())
def test_what_is_refused_is_not_quoted(text: str) -> None:
    for kind in (Line, Name, Email, Zone):
        try:
            read(kind, text)
        except ValidationError as error:
            for one in error.errors(include_input=False, include_url=False):
                assert len(text) < 4 or text not in one["msg"]
