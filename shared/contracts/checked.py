"""
Types that check every text, time and number where it enters: events, bodies and settings.

Each type accepts what people really write, and brings it to one form. It refuses what no screen, mail or
clock can show. A value in this form passes the same check unchanged. So all services accept a value that one
service has accepted. The message of a refusal says what is wrong and never quotes the value.
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated
from zoneinfo import available_timezones

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import PydanticCustomError, PydanticKnownError

from shared.contracts.links import looks_like_link
from shared.runtime.clock import to_milliseconds

ID_PATTERN = r"^[a-z0-9][a-z0-9-]{0,63}$"
LINE_CHARS_MAX = 200
NAME_CHARS_MAX = 100
TEXT_CHARS_MAX = 4_000
EMAIL_CHARS_MAX = 254
EMAIL_LOCAL_BYTES_MAX = 64
# Accents and vowel signs on one character. Real languages need up to four. A high pile of marks covers other
# lines.
MARKS_MAX = 6
# Many events contain the same titles and venues. The check of a line with other letters takes some 3 us.
LINES_MAX = 4_096
# Other years are typing errors. Near the ends of the calendar a change of the time zone overflows.
YEARS = range(2000, 2100)
# Readers of JSON agree on whole numbers up to here (RFC 8259, section 6). MongoDB stores larger ones too.
WHOLE_MAX = 2**53 - 1

# Characters that change the order of others: the reader sees another text than was sent.
_DIRECTION_MARKS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
# Control characters, halves of characters, and line breaks other than the line feed.
_CONTROLS = "\x7f-\x9f\ud800-\udfff\u2028\u2029"
_LINE_CONTROL = re.compile(f"[\0-\x1f{_CONTROLS}]")
_LINE_DIRECTION = re.compile(f"[{_DIRECTION_MARKS}]")
_TEXT_CONTROL = re.compile(f"[\0-\x08\x0b-\x1f{_CONTROLS}{_DIRECTION_MARKS}]")
# Characters without a meaning that all systems share: private use, noncharacters, interlinear anchors.
_MEANINGLESS = re.compile(
    "[\ue000-\uf8ff\ufdd0-\ufdef\ufff9-\ufffb\U000f0000-\U0010ffff"
    + "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
    + "]"
)
# Letters and symbols that draw nothing. Unicode counts them neither as spaces nor as controls.
_DRAWS_NOTHING = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufffc")
# A joiner is fine between visible characters: emoji and some scripts need it.
_INVISIBLE = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp", "Mn", "Me"})
# Invisible characters that come along when people copy from a web page.
_DROPPED = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"))
# Addresses that the library accepts without a change. The library takes 20 times as long.
_PLAIN_EMAIL = re.compile(
    r"[a-z0-9_+'-]+(?:\.[a-z0-9_+'-]+)*@((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63})"
)
_SPECIAL_DOMAINS = tuple(f".{domain}" for domain in SPECIAL_USE_DOMAIN_NAMES)
_FULL_STOPS = str.maketrans("\u3002\uff0e\uff61", "...")
# ASCII, Chinese characters and their punctuation. All are visible except the space, and all are in NFC.
_USUAL = " -~一-鿿、。《》「」（），：；！？·—‘’“”…"
_PLAIN_LINE = re.compile(f"[{_USUAL}]*")
_PLAIN_TEXT = re.compile(f"[\n\t{_USUAL}]*")
# Only a run of unusual characters can contain too many marks. Other parts of a text are not read character by
# character.
_UNUSUAL = re.compile(f"[^{_USUAL}]{{{MARKS_MAX + 1},}}")


@lru_cache(maxsize=LINES_MAX)
def line(text: str) -> str:
    """
    One line that can be seen, in NFC, without spaces around it.

    Raises:
        ValueError: the line has a control character, a line break, a mark that changes the direction of
            writing, a character without a shared meaning or too many marks; or no character is visible.
    """
    if _PLAIN_LINE.fullmatch(text) and (plain := text.strip(" ")):
        return plain
    text = unicodedata.normalize("NFC", text.translate(_DROPPED)).strip()
    if _LINE_CONTROL.search(text):
        raise PydanticCustomError("line_control", "a line holds no line breaks or control characters")
    if _LINE_DIRECTION.search(text):
        raise PydanticCustomError("line_direction", "a line holds no marks for the direction of writing")
    _check_legible(text)
    if not _visible(text):
        raise PydanticCustomError("line_blank", "nothing of it is visible")
    return text


def text_of_lines(text: str) -> str:
    """
    Several lines in NFC, each ended by a plain line feed; may be empty.

    Raises:
        ValueError: the text has a control character, a mark that changes the direction of writing, a
            character without a shared meaning, or too many marks on a character.
    """
    if _PLAIN_TEXT.fullmatch(text):
        return text
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
    if _TEXT_CONTROL.search(text):
        raise PydanticCustomError(
            "text_control", "a text holds no control characters but line feeds and tabs"
        )
    _check_legible(text)
    return text


def _check_legible(text: str) -> None:
    """
    Refuse characters that each system shows in another way, and marks that cover other text.

    Raises:
        ValueError: a character has no shared meaning, or more than `MARKS_MAX` marks follow one.
    """
    if _MEANINGLESS.search(text):
        raise PydanticCustomError("character_unknown", "a character has no meaning that all systems share")
    for unusual in _UNUSUAL.findall(text):
        marks = 0
        for character in unusual:
            category = unicodedata.category(character)
            if category in ("Mn", "Me"):
                marks += 1
            elif category != "Cf":
                # An invisible joiner between marks does not end the run of marks.
                marks = 0
            if marks > MARKS_MAX:
                raise PydanticCustomError(
                    "marks_too_many", "a character has more than {most} marks", {"most": MARKS_MAX}
                )


def same_to_readers(text: str) -> str:
    """The text in one width of characters and one kind of spaces, since readers see no difference there."""
    usual = "".join(map(_in_usual_width, text))
    return unicodedata.normalize("NFC", " ".join(usual.split()))


def _in_usual_width(character: str) -> str:
    # Not NFKC for all: it would also make 10² the same as 102.
    of_width = unicodedata.decomposition(character).startswith(("<wide>", "<narrow>"))
    return unicodedata.normalize("NFKC", character) if of_width else character


def name(text: str) -> str:
    """
    A person's name: a line that is not a link, because mails to other people contain names.

    Raises:
        ValueError: it is not a valid line, or looks like a web address.
    """
    # Without the cache, which would keep the name in memory.
    text = line.__wrapped__(text)
    if looks_like_link(text):
        raise PydanticCustomError(
            "name_link", "a name holds no web address; a space follows a full stop that ends a word"
        )
    return text


def _visible(text: str) -> bool:
    return any(
        unicodedata.category(character) not in _INVISIBLE and character not in _DRAWS_NOTHING
        for character in text
    )


def _within(chars_max: int, check: Callable[[str], str]) -> Callable[[str], str]:
    """This check, and then the length once more: NFC can make a text longer."""

    def bounded(text: str) -> str:
        text = check(text)
        if len(text) > chars_max:
            raise PydanticCustomError(
                "string_too_long",
                "String should have at most {max_length} characters",
                {"max_length": chars_max},
            )
        return text

    return bounded


def whole(number: int) -> int:
    """
    A whole number that every reader of JSON understands alike, and that a database can store.

    This is a validator, not a bound of the field: so released schemas without a bound stay as they are.

    Raises:
        ValueError: it is larger than `WHOLE_MAX`, or smaller than `-WHOLE_MAX`.
    """
    if number > WHOLE_MAX:
        raise PydanticKnownError("less_than_equal", {"le": WHOLE_MAX})
    if number < -WHOLE_MAX:
        raise PydanticKnownError("greater_than_equal", {"ge": -WHOLE_MAX})
    return number


def moment(value: datetime) -> datetime:
    """
    A time in UTC, in whole milliseconds, within `YEARS`.

    Raises:
        ValueError: its year is not in `YEARS`. Calculating with this time could overflow.
    """
    # First the year as it is written: near the ends of the calendar the change to UTC overflows. Then the
    # year in UTC, because the next reader checks that one.
    if value.year not in YEARS or (value := value.astimezone(UTC)).year not in YEARS:
        raise PydanticCustomError(
            "moment_range",
            "a time lies in the years {first} to {last}",
            {"first": YEARS[0], "last": YEARS[-1]},
        )
    return to_milliseconds(value)


def _written_time(value: object) -> object:
    # pydantic would take a number, or a text of digits, for seconds since 1970.
    if isinstance(value, int | float) or (isinstance(value, str) and value.strip().lstrip("+-").isdigit()):
        raise PydanticCustomError("moment_form", "a time is written like 2026-05-20T09:00:00+08:00")
    if not isinstance(value, str):
        return value
    try:
        # Read here: in strict mode pydantic accepts no text as a time once a function has handled the value.
        return _times.validate_python(value)
    except ValidationError as error:
        [wrong] = error.errors(include_url=False, include_input=False)
        raise PydanticKnownError(wrong["type"], wrong.get("ctx")) from None  # type: ignore[arg-type]


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    # Names of places only: "localtime" and "Factory" are not places.
    return frozenset(available_timezones()) - {"localtime", "Factory", "posixrules"}


def zone(text: str) -> str:
    """
    The name of a time zone of the tz database.

    Raises:
        ValueError: no time zone has this name.
    """
    if text not in _zones():
        raise PydanticCustomError("zone_unknown", "there is no such time zone; one is Asia/Shanghai")
    return text


def email(text: str) -> str:
    """
    An e-mail address in one form: full-width characters as plain ones, the domain in lower case.

    Raises:
        ValueError: no mail server would take this address.
    """
    plain = _PLAIN_EMAIL.fullmatch(text)
    fits = text.find("@") <= EMAIL_LOCAL_BYTES_MAX and len(text) <= EMAIL_CHARS_MAX
    if plain and fits and "--" not in text and not f".{plain[1]}".endswith(_SPECIAL_DOMAINS):
        return text
    text = unicodedata.normalize("NFKC", text.strip().translate(_FULL_STOPS))
    if len(text) > EMAIL_CHARS_MAX:
        raise PydanticCustomError("email", "an e-mail address has at most 254 characters")
    try:
        address = validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError:
        # Without the library's words: they quote the address.
        raise PydanticCustomError("email", "this is not an e-mail address") from None
    # RFC 5321, section 4.5.3.1: servers need not accept more. The library does not check this.
    if len(address) > EMAIL_CHARS_MAX:
        raise PydanticCustomError("email", "an e-mail address has at most 254 characters")
    if len(address.rpartition("@")[0].encode()) > EMAIL_LOCAL_BYTES_MAX:
        raise PydanticCustomError("email", "before its @ an address has at most 64 bytes")
    return address


Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Line = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LINE_CHARS_MAX),
    AfterValidator(_within(LINE_CHARS_MAX, line)),
]
PersonalLine = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LINE_CHARS_MAX),
    # Without the cache, which would keep the text in memory after an erasure.
    AfterValidator(_within(LINE_CHARS_MAX, line.__wrapped__)),
]
"""A line about one person, or by one: a note, a reason, a comment, a subject. Checked as `Line` is."""
Text = Annotated[
    str, StringConstraints(max_length=TEXT_CHARS_MAX), AfterValidator(_within(TEXT_CHARS_MAX, text_of_lines))
]
Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=NAME_CHARS_MAX),
    AfterValidator(_within(NAME_CHARS_MAX, name)),
]
UnlinkedLine = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LINE_CHARS_MAX),
    AfterValidator(_within(LINE_CHARS_MAX, name)),
]
"""A line that we send or show to people who did not ask for it. Like a name, it has no web address."""
Email = Annotated[
    str,
    StringConstraints(min_length=3, max_length=EMAIL_CHARS_MAX),
    AfterValidator(email),
    Field(json_schema_extra={"format": "idn-email"}),
]
Phone = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]
"""A phone number in the form of E.164, such as +8613800138000."""
Moment = Annotated[
    AwareDatetime, AfterValidator(moment), Field(description=f"in the years {YEARS[0]} to {YEARS[-1]}")
]
_times = TypeAdapter(AwareDatetime)
MomentIn = Annotated[Moment, BeforeValidator(_written_time)]
"""A time in a body over HTTP: RFC 3339 and nothing else."""
LineAsKey = Annotated[str, AfterValidator(_within(LINE_CHARS_MAX, line))]
"""A key of an object whose released schema has no bound."""
Zone = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(zone)]
Whole = Annotated[int, AfterValidator(whole)]
Count = Annotated[int, Field(ge=0), AfterValidator(whole)]
Ordinal = Annotated[int, Field(ge=1), AfterValidator(whole)]
"""A place in an order, from 1."""
Version = Annotated[int, Field(ge=1, le=2**53)]
"""Counts the changes of one thing from 1. A reader keeps the highest and ignores lower ones."""
