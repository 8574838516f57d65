"""
What messages say, in both languages, from templates and facts.

A template's first line is the subject, the rest the body. The greeting with the name
is put around the body of a mail when it is sent, and kept nowhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from services.notifications.rules import Fact
from shared.contracts.events import Language, ParticipantKind
from shared.runtime.errors import Rejected

TEMPLATES = Path(__file__).parent / "templates"
LETTER = "letter"
# The week's own time, whatever the server's: it is printed on the posters.
TIMEZONE = ZoneInfo("Asia/Shanghai")

_DAYS_ZH = "一二三四五六日"
_DAYS_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS_EN = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
# Not strftime: its names depend on what locales the machine has.


@dataclass(frozen=True, slots=True)
class Words:
    """A subject on one line, and a body."""

    subject: str
    body: str


class Wording:
    """All templates, compiled once. `signatures` names in each language who writes."""

    def __init__(self, signatures: Mapping[Language, str], folder: Path = TEMPLATES) -> None:
        self._signatures = signatures
        self._said: dict[tuple[Language, str], tuple[Template, Template]] = {}
        self._letters: dict[Language, Template] = {}
        for language in get_args(Language):
            environment = _environment(language)
            for path in sorted((folder / language).glob("*.txt")):
                text = path.read_text(encoding="utf-8")
                if path.stem == LETTER:
                    self._letters[language] = environment.from_string(text)
                    continue
                subject, _, body = text.partition("\n")
                self._said[language, path.stem] = (
                    environment.from_string(subject),
                    environment.from_string(body),
                )

    def kinds(self, language: Language) -> set[str]:
        """The kinds of message that there are words for."""
        return {kind for of, kind in self._said if of == language}

    def say(
        self, kind: str, facts: Mapping[str, Fact], language: Language, to: ParticipantKind = "person"
    ) -> Words:
        """
        What a message says, without any name in it.

        Raises:
            Rejected: there is no template for it, or a fact is missing.
        """
        you = {"person": "您", "group": "贵单位"}[to]
        try:
            subject, body = self._said[language, kind]
            words = subject.render(facts, you=you), body.render(facts, you=you)
        except (KeyError, TemplateError) as error:
            raise Rejected(f"no words for {kind} in {language}: {error}", code="not_worded") from error
        # A line break in a title must not start another header.
        return Words(" ".join(words[0].split()), words[1].strip())

    def letter(self, words: Words, *, name: str, language: Language, date: datetime) -> str:
        """The body of a mail: the greeting, what is said, and who says it when."""
        return self._letters[language].render(
            name=name, body=words.body, signature=self._signatures[language], date=date
        )


def _environment(language: Language) -> ImmutableSandboxedEnvironment:
    # Text and no HTML is made here, so nothing is to be escaped.
    environment = ImmutableSandboxedEnvironment(
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    environment.filters["moment"] = moment_zh if language == "zh-CN" else moment_en
    environment.filters["date"] = date_zh if language == "zh-CN" else date_en
    return environment


def moment_zh(moment: datetime) -> str:
    """2023年5月20日（星期六）09:00"""
    local = moment.astimezone(TIMEZONE)
    return f"{date_zh(local)}（星期{_DAYS_ZH[local.weekday()]}）{local:%H:%M}"


def moment_en(moment: datetime) -> str:
    """Saturday, 20 May 2023, 09:00"""
    local = moment.astimezone(TIMEZONE)
    return f"{_DAYS_EN[local.weekday()]}, {date_en(local)}, {local:%H:%M}"


def date_zh(moment: datetime) -> str:
    """2023年5月20日"""
    local = moment.astimezone(TIMEZONE)
    return f"{local.year}年{local.month}月{local.day}日"


def date_en(moment: datetime) -> str:
    """20 May 2023"""
    local = moment.astimezone(TIMEZONE)
    return f"{local.day} {_MONTHS_EN[local.month - 1]} {local.year}"
