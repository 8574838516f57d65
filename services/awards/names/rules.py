"""How a name is masked, and what is shown of it. All functions are pure."""

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import msgspec

from shared.contracts.events import NameShown, ParticipantKind

STAR = "*"
# As many stars stand for a word in letters, however long it is.
STARS_OF_WORD = 3
# Of names of other peoples in Chinese: between the parts.
DOTS = "·•‧・∙⋅．"
# Surnames of two characters. A name of three characters that begins with one is masked behind both.
# Source: 百家姓, its compound surnames, and those of today's registers
_SURNAMES = (
    "欧阳太史端木上官司马东方独孤南宫万俟闻人夏侯诸葛尉迟公羊赫连澹台皇甫宗政濮阳公冶太叔申屠公孙慕容仲孙钟离长孙宇文司徒鲜于司空闾丘子车亓官司寇巫马公西颛孙壤驷公良"
    "漆雕乐正宰父谷梁拓跋夹谷轩辕令狐段干百里呼延东郭南门羊舌微生公户公玉公仪梁丘公仲公上公门公山公坚左丘公伯西门公祖第五公乘贯丘公皙南荣东里东宫仲长子书子桑即墨达奚"
    "褚师歐陽司馬東方獨孤南宮聞人諸葛尉遲赫連澹臺公孫鍾離長孫鮮于軒轅東郭"
)
COMPOUND_SURNAMES = frozenset(_SURNAMES[at : at + 2] for at in range(0, len(_SURNAMES), 2))


class Named(Protocol):
    """How a recipient is named, in full or as the holder shows it."""

    @property
    def text(self) -> str | None:
        """The name; None: there is none to be read here."""

    @property
    def unit(self) -> str | None:
        """The group that the recipient belongs to, if it is known."""


class Names(Protocol):
    """Who knows recipients' names. Erased and unknown ones are left out."""

    async def shown(self, recipient_ids: Collection[str]) -> Mapping[str, Named]:
        """What everybody may see, by id."""

    async def full(self, recipient_ids: Collection[str]) -> Mapping[str, Named]:
        """What the holder and organisers may read, by id."""


class ShownName(msgspec.Struct, frozen=True):
    """
    What everybody may see of a recipient.

    Attributes:
        text: the name, in full or masked; None: the holder shows none, or it cannot be opened here.
        unit: the name of the group that the recipient belongs to, if it is known and shown.
    """

    text: str | None
    kind: ParticipantKind
    unit: str | None = None


class Address(msgspec.Struct, frozen=True):
    """Where a prize is sent. A field that a later release adds is ignored."""

    recipient: str = ""
    phone: str = ""
    region: str = ""
    street: str = ""
    postal_code: str | None = None

    def __repr__(self) -> str:
        return "Address(sealed)"


class FullName(msgspec.Struct, frozen=True):
    """What organisers may read of a recipient; None: there is none, or it cannot be opened."""

    text: str | None
    kind: ParticipantKind
    unit: str | None
    district: str | None
    address: Address | None

    def __repr__(self) -> str:
        return "FullName(sealed)"


def shown(name: str | None, kind: ParticipantKind, choice: NameShown) -> str | None:
    """What everybody may see of a name. The name of a group is never masked."""
    if name is None or choice == "none":
        return None
    if choice == "masked" and kind == "person":
        return masked(name)
    return name


def masked(name: str) -> str:
    """
    A name of which at least one character is hidden, as 李*明 is.

    Chinese: the first and the last character stay, of a name of two the first; of a compound surname both
    characters (欧阳*). Names with a dot: the first character of each part (阿**·买**). Names in words: the
    initials and the last word (J. Smith), or the first letter of a single word (S***).
    """
    words = unicodedata.normalize("NFC", name).split()
    if all(_is_dense(word) for word in words):
        return _masked_dense("".join(words))
    if len(words) == 1 and any(dot in words[0] for dot in DOTS):
        return _masked_parts(words[0])
    return _masked_words(words)


def _is_dense(word: str) -> bool:
    """Whether each character stands for a syllable or a word: Chinese, Japanese and Korean, without a dot."""
    return bool(word) and all(_is_syllable(one) for one in word)


def _is_syllable(character: str) -> bool:
    if character in DOTS:
        return False
    named = unicodedata.name(character, "")
    return named.startswith(("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "IDEOGRAPHIC")) or character == "〇"


def _masked_dense(name: str) -> str:
    if len(name) == 1:
        return STAR
    is_compound = len(name) > 2 and name[:2] in COMPOUND_SURNAMES
    begins = name[:2] if is_compound else name[:1]
    ends = name[-1:] if len(name) - len(begins) > 1 else ""
    return begins + STAR * (len(name) - len(begins) - len(ends)) + ends


def _masked_parts(name: str) -> str:
    dot = next(one for one in name if one in DOTS)
    for other in DOTS:
        name = name.replace(other, dot)
    parts = [_letters(part) for part in name.split(dot) if part]
    if not parts:
        return STAR
    shorter = [part[0] + STAR * min(len(part) - 1, STARS_OF_WORD) for part in parts]
    if all(len(part) == 1 for part in parts):
        # Nothing is hidden yet.
        shorter[-1] = STAR
    return dot.join(shorter)


def _masked_words(words: Sequence[str]) -> str:
    *first, last = [_letters(word) for word in words] or [[STAR]]
    begins = [f"{word[0]}." for word in first]
    # Nothing is hidden of a word that was an initial before.
    hides = any(len(word) > 1 and word[1:] != ["."] for word in first)
    ends = "".join(last) if hides else last[0] + STAR * STARS_OF_WORD
    return " ".join([*begins, ends])


def _letters(word: str) -> list[str]:
    """The characters of a word, each with its marks."""
    found: list[str] = []
    for one in word:
        if found and (unicodedata.combining(one) or unicodedata.category(one) in ("Mn", "Mc", "Me", "Cf")):
            found[-1] += one
        else:
            found.append(one)
    return found
