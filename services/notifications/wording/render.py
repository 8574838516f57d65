"""
What messages say, in both languages, from templates and facts.

A template's first line is the subject, the rest the body. The greeting with the name
is put around the body of a mail when it is sent, and kept nowhere.

What was stored by an older version may hold any text and any time: line breaks within a line and control
characters are taken out when it is worded, and a time that no calendar here can show is "to be announced".
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

from jinja2 import StrictUndefined, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment

from services.notifications.messages.rules import Fact
from services.notifications.wording.reasons import cancelled_by, refused_because
from shared.contracts.checked import YEARS
from shared.contracts.events import Language, ParticipantKind
from shared.runtime import metrics
from shared.runtime.errors import Rejected

log = logging.getLogger(__name__)

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

# Facts of several lines; every other text is one line.
TEXTS = frozenset({"body"})
# Draw nothing, and join what stands beside them: some scripts and emoji need them.
_JOINERS = "\u200c\u200d"


@dataclass(frozen=True, slots=True)
class Words:
    """A subject on one line, and a body."""

    subject: str
    body: str


_UNREADABLE: Mapping[Language, Words] = {
    "zh-CN": Words("【科技活动周】通知", "本条通知的内容暂时无法显示。如有疑问，请与主办方联系。"),
    "en": Words(
        "[Science & Technology Week] A message",
        "The content of this message cannot be shown. Please contact the organisers if you have questions.",
    ),
}


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
            Rejected: there is no template for it, or its facts do not fit (`mail_unmakeable`).
        """
        you = {"person": "您", "group": "贵单位"}[to]
        try:
            subject, body = self._said[language, kind]
            clean = {name: _clean(name, fact) for name, fact in facts.items()}
            words = subject.render(clean, you=you), body.render(clean, you=you)
        except Exception as error:
            # Whatever is wrong with these facts: no other message has them.
            raise Rejected(
                f"no words for {kind} in {language}: {type(error).__name__}", code="mail_unmakeable"
            ) from error
        # A line break in a title must not start another header.
        return Words(" ".join(words[0].split()), words[1].strip())

    def show(
        self, kind: str, facts: Mapping[str, Fact], language: Language, to: ParticipantKind = "person"
    ) -> Words:
        """What a message says to somebody who looks: where it cannot be worded, that it cannot be shown."""
        try:
            return self.say(kind, facts, language, to)
        except Rejected as error:
            metrics.ITEMS_FAILED.labels("inbox", error.code).inc()
            log.warning("a message cannot be worded", extra={"reason": error.message})
            return _UNREADABLE[language]

    def letter(self, words: Words, *, name: str, language: Language, date: datetime) -> str:
        """The body of a mail: the greeting, what is said, and who says it when."""
        return self._letters[language].render(
            name=clean_line(name), body=words.body, signature=self._signatures[language], date=date
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
    environment.filters["refused"] = partial(refused_because, language=language)
    environment.filters["cancelled_by"] = cancelled_by
    return environment


def clean_line(text: str) -> str:
    """The text on one line, with a space for what is no printable character."""
    if text.isprintable():
        return text
    kept = (c if c.isprintable() or c in _JOINERS else " " for c in text)
    return " ".join("".join(kept).split())


def _clean(name: str, fact: Fact) -> Fact:
    if not isinstance(fact, str):
        return fact
    if name in TEXTS:
        return "\n".join(clean_line(line) for line in fact.split("\n"))
    return clean_line(fact)


def _is_shown(moment: datetime) -> bool:
    # Near the calendar's ends even the way to another zone overflows.
    return moment.year in YEARS


def moment_zh(moment: datetime) -> str:
    """2023年5月20日（星期六）09:00（北京时间）"""
    if not _is_shown(moment):
        return "另行通知"
    local = moment.astimezone(TIMEZONE)
    return f"{date_zh(local)}（星期{_DAYS_ZH[local.weekday()]}）{local:%H:%M}（北京时间）"


def moment_en(moment: datetime) -> str:
    """Saturday, 20 May 2023, 09:00 (Beijing time)"""
    if not _is_shown(moment):
        return "to be announced"
    local = moment.astimezone(TIMEZONE)
    return f"{_DAYS_EN[local.weekday()]}, {date_en(local)}, {local:%H:%M} (Beijing time)"


def date_zh(moment: datetime) -> str:
    """2023年5月20日"""
    local = moment.astimezone(TIMEZONE)
    return f"{local.year}年{local.month}月{local.day}日"


def date_en(moment: datetime) -> str:
    """20 May 2023"""
    local = moment.astimezone(TIMEZONE)
    return f"{local.day} {_MONTHS_EN[local.month - 1]} {local.year}"
