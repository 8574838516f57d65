"""
HTML as plain text: what our pages can show of it.

Paragraphs become lines. Raised and lowered digits stay what they are, since 10² is not 102. What would be
lost (a picture, a sound, a table, a formula) refuses the text.
"""

import re
from html import unescape

from services.quiz.formats.rules import RAW_CHARS_MAX, CannotParse

MEDIA = frozenset(
    ("img", "image", "audio", "video", "object", "embed", "iframe", "canvas", "svg", "picture", "include")
)
STRUCTURES = frozenset(("table", "math", "form", "input", "select", "textarea", "script", "style"))
_BLOCKS = frozenset(
    ("p", "div", "br", "li", "ul", "ol", "blockquote", "pre", "hr", "h1", "h2", "h3", "h4", "h5", "h6")
)
_RAISED = str.maketrans("0123456789+-=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿ")
_LOWERED = str.maketrans("0123456789+-=()", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎")
# HTML of one text. A file with a sound in it has a longer one beside it, which is not read.
HTML_CHARS_MAX = 65_536
TAGS_MAX = 2_000
_TAG = re.compile(r"(/?)([A-Za-z][A-Za-z0-9-]*+)[^>]*+>")
_SPACES = re.compile(r"[ \t\r\n\f]+")


class TextOfTags:
    """Collects the text of tags, in the order in which a parser comes to them."""

    def __init__(self) -> None:
        # Each line, and whether its spaces stay as they are.
        self._lines: list[tuple[str, bool]] = [("", False)]
        self._chars = 0
        self._moved: list[str] = []
        self._within_pre = 0
        self._within_rp = 0
        self._tags_left = TAGS_MAX

    def begins(self, tag: str) -> None:
        """
        A tag begins.

        Raises:
            CannotParse: its content cannot be shown as text, or there are too many tags.
        """
        self._tags_left -= 1
        if self._tags_left < 0:
            raise CannotParse("text_tags_too_many", most=TAGS_MAX)
        if tag in MEDIA:
            raise CannotParse("media_unsupported", tag=tag)
        if tag in STRUCTURES:
            raise CannotParse("markup_unsupported", tag=tag)
        if tag in _BLOCKS:
            self._lines.append(("", False))
        if tag in ("sup", "sub"):
            self._moved.append(tag)
        if tag == "pre":
            self._within_pre += 1
        # The reading of a character stands behind it; <rp> has brackets for the same.
        if tag == "rt":
            self.says("（")
        if tag == "rp":
            self._within_rp += 1

    def ends(self, tag: str) -> None:
        """A tag ends."""
        if tag in _BLOCKS:
            self._lines.append(("", False))
        if tag in ("sup", "sub") and self._moved:
            self._moved.pop()
        if tag == "pre" and self._within_pre:
            self._within_pre -= 1
        if tag == "rt":
            self.says("）")
        if tag == "rp" and self._within_rp:
            self._within_rp -= 1

    def says(self, words: str) -> None:
        """
        Text within the tags.

        Raises:
            CannotParse: it is raised or lowered, and no such characters exist.
        """
        if self._chars > RAW_CHARS_MAX or self._within_rp:
            return
        self._chars += len(words)
        if self._moved:
            table = _RAISED if self._moved[-1] == "sup" else _LOWERED
            words = words.strip()
            if any(ord(character) not in table for character in words):
                raise CannotParse("markup_unsupported", tag=self._moved[-1])
            words = words.translate(table)
        if self._within_pre:
            first, *others = words.split("\n")
            self._lines[-1] = (self._lines[-1][0] + first, True)
            self._lines += [(other, True) for other in others]
        else:
            line, is_kept = self._lines[-1]
            self._lines[-1] = (line + _SPACES.sub(" ", words), is_kept)

    def text(self) -> str:
        """All lines that are not empty; those of <pre> as they are."""
        lines = [
            line if is_kept else line.strip(" ") for line, is_kept in self._lines if is_kept or line.strip()
        ]
        return "\n".join(lines).strip("\n")


def text_of_html(html: str) -> str:
    """
    The text of a piece of HTML.

    Raises:
        CannotParse: something in it cannot be shown as text, or it is too long.
    """
    if len(html) > HTML_CHARS_MAX:
        raise CannotParse("text_too_long", most=HTML_CHARS_MAX)
    found = TextOfTags()
    is_comment = False
    # Cut at each "<", so that what never ends costs no more than its length. The parser of Python reads an
    # unfinished tag again and again: 64 KiB of them take minutes.
    first, *pieces = html.split("<")
    found.says(unescape(first))
    for piece in pieces:
        if is_comment or piece.startswith("!--"):
            _, ends, rest = piece.partition("-->")
            is_comment = not ends
            found.says(unescape(rest))
        elif tag := _TAG.match(piece):
            (found.ends if tag[1] else found.begins)(tag[2].lower())
            found.says(unescape(piece[tag.end() :]))
        elif piece.startswith(("!", "?")):
            found.says(unescape(piece.partition(">")[2]))
        else:
            found.says(unescape(f"<{piece}"))
    return found.text()
