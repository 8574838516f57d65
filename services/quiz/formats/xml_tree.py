"""
XML that somebody uploads, as a tree whose size is bounded.

A document type is refused, so no document has entities of its own, and none reads another file. Bytes are
bounded by the caller; elements, attributes, depth and texts here.
"""

from collections.abc import Iterator, Mapping
from typing import NoReturn
from xml.parsers import expat

from services.quiz.formats.html_text import HTML_CHARS_MAX
from shared.runtime.errors import Rejected

# 2,000 questions with eight options, and an answer to each, need some 100,000 in Moodle's format.
ELEMENTS_MAX = 200_000
ATTRIBUTES_MAX = 400_000
DEPTH_MAX = 32
# Of a tag or a comment. The parser reads an unfinished one again with each piece, and holds it whole.
TAG_BYTES_MAX = 65_536
PIECE_BYTES = 65_536


class Element:
    """
    An element of a document.

    Attributes:
        name: without its prefix, and without the "qti-" of QTI 3.
        content: texts and elements in their order. A longer text is cut.
    """

    __slots__ = ("attributes", "content", "line", "name")

    def __init__(self, name: str, attributes: Mapping[str, str], line: int) -> None:
        self.name = name
        self.attributes = attributes
        self.line = line
        self.content: list[Element | str] = []

    def elements(self, name: str | None = None) -> Iterator["Element"]:
        """The elements directly within it, of this name or all."""
        for one in self.content:
            if isinstance(one, Element) and name in (None, one.name):
                yield one

    def first(self, *names: str) -> "Element | None":
        """The first element on this way down, if there is one."""
        found: Element | None = self
        for name in names:
            found = next(found.elements(name), None) if found else None
        return found

    def everywhere(self, *names: str) -> Iterator["Element"]:
        """The elements of these names at any depth."""
        return (one for one in self.all() if one.name in names)

    def all(self) -> Iterator["Element"]:
        """The elements at any depth, in the order of the document."""
        for one in self.elements():
            yield one
            yield from one.all()

    def text(self) -> str:
        """Its own text, without that of the elements within it."""
        return "".join(one for one in self.content if isinstance(one, str))


class TreeReader:
    """Reads documents that may cost so much together."""

    def __init__(self) -> None:
        self._elements_left = ELEMENTS_MAX
        self._attributes_left = ATTRIBUTES_MAX

    def read(self, document: bytes) -> Element:
        """
        The root of a document.

        Raises:
            Rejected: it is no XML or has a document type (`file_unreadable`), or is too large
                (`file_unpacked`).
        """
        root = Element("", {}, 1)
        way = [root]
        chars = 0

        def begins(name: str, attributes: dict[str, str]) -> None:
            nonlocal chars
            self._elements_left -= 1
            self._attributes_left -= len(attributes)
            if self._elements_left < 0 or self._attributes_left < 0 or len(way) > DEPTH_MAX:
                raise _too_large()
            element = Element(_plain(name), attributes, parser.CurrentLineNumber)
            way[-1].content.append(element)
            way.append(element)
            chars = 0

        def ends(_: str) -> None:
            nonlocal chars
            way.pop()
            chars = 0

        def says(words: str) -> None:
            nonlocal chars
            if chars <= HTML_CHARS_MAX:
                way[-1].content.append(words)
                chars += len(words)

        # Without `intern`, which would keep each name.
        parser = expat.ParserCreate(None, None, None)
        parser.buffer_text = True
        parser.StartElementHandler = begins
        parser.EndElementHandler = ends
        parser.CharacterDataHandler = says
        parser.StartDoctypeDeclHandler = _refused
        try:
            for start in range(0, len(document), PIECE_BYTES):
                parser.Parse(document[start : start + PIECE_BYTES], False)
                if min(start + PIECE_BYTES, len(document)) - parser.CurrentByteIndex > TAG_BYTES_MAX:
                    raise _too_large()
            parser.Parse(b"", True)
        except (expat.ExpatError, ValueError, LookupError) as error:
            line = error.lineno if isinstance(error, expat.ExpatError) else parser.CurrentLineNumber
            # Without the cause, whose words could quote the file.
            raise Rejected(
                f"line {line} is no XML that can be read", code="file_unreadable", line=line
            ) from None
        return next(root.elements())


def _plain(name: str) -> str:
    """QTI 3 writes qti-simple-choice for simpleChoice."""
    name = name[name.find(":") + 1 :]
    if not name.startswith("qti-"):
        return name
    first, *others = name[4:].split("-")
    return first + "".join(map(str.capitalize, others))


def attribute(element: Element, name: str) -> str:
    """An attribute by its name in QTI 2, which QTI 3 writes with hyphens."""
    hyphened = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name)
    return element.attributes.get(name) or element.attributes.get(hyphened) or ""


def _too_large() -> Rejected:
    return Rejected("the file is too large once it is unpacked", code="file_unpacked")


def _refused(*_: object) -> NoReturn:
    raise ValueError("a document type")
