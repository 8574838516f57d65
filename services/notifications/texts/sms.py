"""
The texts of SMS, in either language: a file for each kind in sms/zh-CN and sms/en, and no subject.

An SMS costs money by its parts. A text with Chinese characters is sent in UCS-2: 70 units of 16 bits make one
part, and a longer text has 67 in each. Texts in English are counted in the same way, since they may have a
Chinese title in them. Every text fits into `SMS_PARTS_MAX` parts: the templates shorten what people have
written.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from jinja2 import Template

from services.notifications.texts.dates import brief_en, brief_zh
from services.notifications.texts.policy import Fact
from services.notifications.texts.render import clean_facts, environment_of
from shared.contracts.events import Language
from shared.runtime.errors import Rejected

SMS = Path(__file__).parent / "sms"
SMS_PARTS_MAX = 2
PART_UNITS = 70
# A part of several has a header that says which one it is.
PART_OF_SEVERAL_UNITS = 67


class SmsTexts:
    """All texts, compiled once."""

    def __init__(self, folder: Path = SMS) -> None:
        self._texts: dict[tuple[Language, str], Template] = {}
        for language in get_args(Language):
            environment = environment_of(language, None)
            environment.filters["brief"] = brief_zh if language == "zh-CN" else brief_en
            environment.filters["short"] = short
            for path in sorted((folder / language).glob("*.txt")):
                self._texts[language, path.stem] = environment.from_string(path.read_text(encoding="utf-8"))

    def kinds(self, language: Language) -> set[str]:
        """The kinds of message that have a text."""
        return {kind for of, kind in self._texts if of == language}

    def render(self, kind: str, facts: Mapping[str, Fact], language: Language) -> str:
        """
        The text of an SMS, on one line.

        Raises:
            Rejected: there is none, the facts do not fit, or it is too long (`sms_unmakeable`).
        """
        try:
            text = " ".join(self._texts[language, kind].render(clean_facts(facts)).split())
        except Exception as error:
            # Only this message has these facts, so only this message fails.
            raise Rejected(
                f"no SMS for {kind} in {language}: {type(error).__name__}", code="sms_unmakeable"
            ) from error
        if parts_of(text) > SMS_PARTS_MAX:
            raise Rejected(f"an SMS for {kind} in {language} is too long", code="sms_unmakeable")
        return text


def parts_of(text: str) -> int:
    """In how many parts a text is sent."""
    units = _units(text)
    return 1 if units <= PART_UNITS else -(-units // PART_OF_SEVERAL_UNITS)


def short(text: str, units_max: int) -> str:
    """The text if it is short enough, otherwise its beginning and "…"."""
    if _units(text) <= units_max:
        return text
    kept = ""
    for character in text:
        if _units(kept + character) >= units_max:
            break
        kept += character
    return kept.rstrip() + "…"


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2
