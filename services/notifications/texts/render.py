"""
Templates filled with facts: the text of a message, in either language.

The first line of a template is the subject, the rest is the body. A mail's greeting with the name
(letter.txt) is added when the mail is sent, and never stored.

A message stored by an older version may contain any text. So line breaks within a line and control characters
are removed when the text is rendered.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import get_args

from jinja2 import StrictUndefined, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment

from services.notifications.texts.dates import date_en, date_zh, moment_en, moment_zh
from services.notifications.texts.policy import Fact
from services.notifications.texts.reasons import cancelled_by, refused_because
from shared.contracts.events import Language, ParticipantKind
from shared.runtime import metrics
from shared.runtime.errors import Rejected

log = logging.getLogger(__name__)

TEMPLATES = Path(__file__).parent / "templates"
LETTER = "letter"

# Facts of several lines. Every other text fact is one line.
MULTILINE = frozenset({"body"})
# Invisible characters that join the characters around them: some scripts and emoji need them.
_JOINERS = "\u200c\u200d"


@dataclass(frozen=True, slots=True)
class Words:
    """A subject on one line, and a body."""

    subject: str
    body: str


_PLACEHOLDER: Mapping[Language, Words] = {
    "zh-CN": Words("【科技活动周】通知", "本条通知的内容暂时无法显示。如有疑问，请与主办方联系。"),
    "en": Words(
        "[Science & Technology Week] A message",
        "The content of this message cannot be shown. Please contact the organisers if you have questions.",
    ),
}


class Texts:
    """
    All templates, compiled once.

    Args:
        signatures: names the sender in each language.
        registration_url: where the public reaches registration, for links to calendar files. None: no links.
    """

    def __init__(
        self,
        signatures: Mapping[Language, str],
        folder: Path = TEMPLATES,
        *,
        registration_url: str | None = None,
    ) -> None:
        self._signatures = signatures
        metrics.ITEMS_FAILED.begin(["inbox"], ["mail_unmakeable"])
        self._messages: dict[tuple[Language, str], tuple[Template, Template]] = {}
        self._letters: dict[Language, Template] = {}
        for language in get_args(Language):
            environment = environment_of(language, registration_url)
            for path in sorted((folder / language).glob("*.txt")):
                text = path.read_text(encoding="utf-8")
                if path.stem == LETTER:
                    self._letters[language] = environment.from_string(text)
                    continue
                subject, _, body = text.partition("\n")
                self._messages[language, path.stem] = (
                    environment.from_string(subject),
                    environment.from_string(body),
                )

    def kinds(self, language: Language) -> set[str]:
        """The kinds of message that have a template."""
        return {kind for of, kind in self._messages if of == language}

    def render(
        self, kind: str, facts: Mapping[str, Fact], language: Language, to: ParticipantKind = "person"
    ) -> Words:
        """
        The text of a message, without the participant's name.

        Raises:
            Rejected: there is no template, or the facts do not fit the template (`mail_unmakeable`).
        """
        you = {"person": "您", "group": "贵单位"}[to]
        try:
            subject, body = self._messages[language, kind]
            clean = clean_facts(facts)
            words = subject.render(clean, you=you), body.render(clean, you=you)
        except Exception as error:
            # Only this message has these facts, so only this message fails.
            raise Rejected(
                f"no words for {kind} in {language}: {type(error).__name__}", code="mail_unmakeable"
            ) from error
        # A line break in a title must not start another mail header.
        return Words(" ".join(words[0].split()), words[1].strip())

    def render_or_placeholder(
        self, kind: str, facts: Mapping[str, Fact], language: Language, to: ParticipantKind = "person"
    ) -> Words:
        """The text of a message, or a placeholder if it cannot be rendered. The other messages are shown."""
        try:
            return self.render(kind, facts, language, to)
        except Rejected as error:
            metrics.ITEMS_FAILED.labels("inbox", error.code).inc()
            log.warning("a message cannot be worded", extra={"reason": error.message})
            return _PLACEHOLDER[language]

    def letter(self, words: Words, *, name: str | None, language: Language, date: datetime) -> str:
        """The body of a mail: greeting, words, signature and date. A mail without a name greets nobody."""
        return self._letters[language].render(
            name=clean_line(name) if name else None,
            body=words.body,
            signature=self._signatures[language],
            date=date,
        )


def clean_line(text: str) -> str:
    """The text on one line, with a space in place of each character that cannot be printed."""
    if text.isprintable():
        return text
    kept = (c if c.isprintable() or c in _JOINERS else " " for c in text)
    return " ".join("".join(kept).split())


def clean_facts(facts: Mapping[str, Fact]) -> dict[str, Fact]:
    """The facts, without line breaks within a line and without control characters."""
    return {name: _clean(name, fact) for name, fact in facts.items()}


def _clean(name: str, fact: Fact) -> Fact:
    if not isinstance(fact, str):
        return fact
    if name in MULTILINE:
        return "\n".join(clean_line(line) for line in fact.split("\n"))
    return clean_line(fact)


def calendar_of(session_id: object, *, registration_url: str | None) -> str | None:
    """The address of a session's calendar file; None if the address of registration is not set."""
    # Messages of earlier releases do not name the session.
    if registration_url is None or not isinstance(session_id, str):
        return None
    return f"{registration_url}/sessions/{session_id}/calendar.ics"


def environment_of(language: Language, registration_url: str | None) -> ImmutableSandboxedEnvironment:
    """What the templates of a language may do."""
    # The templates make plain text, not HTML, so nothing is escaped.
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
    environment.filters["calendar"] = partial(calendar_of, registration_url=registration_url)
    environment.filters["cancelled_by"] = cancelled_by
    return environment
