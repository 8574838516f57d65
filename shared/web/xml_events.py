"""
XML that somebody uploads, as tags and texts, piece by piece.

A parser that builds a tree makes 5 bytes of XML an object of 1,000 bytes. Here only the piece that is being
read is kept. All that costs time or memory is counted: bytes, elements, attributes, nesting, the length of a
tag, and the characters of a text. A document type is refused, so no document has entities of its own.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import IO, NoReturn, TypeAlias
from xml.parsers import expat

PIECE_BYTES = 65_536
# Of a tag or a comment. The parser reads an unfinished one again with each piece, and holds it whole.
TAG_BYTES_MAX = 65_536
DEPTH_MAX = 32

Event: TypeAlias = tuple[str, Mapping[str, str] | None, str]
"""The name of a tag without its prefix; its attributes, or None where it ends; there also the text before."""


class XmlTooLarge(Exception):
    """There is more of something than may be."""


class XmlReader:
    """Reads documents that may cost so much together."""

    def __init__(
        self, *, bytes_max: int, elements_max: int, attributes_max: int, text_chars_max: int
    ) -> None:
        """A longer text is cut to `text_chars_max`."""
        self._bytes_left = bytes_max
        self._elements_left = elements_max
        self._attributes_left = attributes_max
        self._text_chars_max = text_chars_max

    def events(self, document: IO[bytes], tags: Collection[str]) -> Iterator[Event]:
        """
        Those of these tags, in their order. The others are only counted.

        Raises:
            XmlTooLarge: this document, or all of them together, cost too much.
            ExpatError, ValueError, LookupError: it is no XML, or has a document type.
        """
        found: list[Event] = []
        depth, text, chars_max = 0, "", self._text_chars_max

        def begins(name: str, attributes: dict[str, str]) -> None:
            nonlocal depth, text
            depth += 1
            self._elements_left -= 1
            self._attributes_left -= len(attributes)
            if self._elements_left < 0 or self._attributes_left < 0 or depth > DEPTH_MAX:
                raise XmlTooLarge
            text = ""
            if (tag := name[name.find(":") + 1 :]) in tags:
                found.append((tag, attributes, ""))

        def ends(name: str) -> None:
            nonlocal depth, text
            depth -= 1
            if (tag := name[name.find(":") + 1 :]) in tags:
                found.append((tag, None, text[:chars_max]))
            text = ""

        def says(words: str) -> None:
            nonlocal text
            if len(text) < chars_max:
                text += words

        # Without `intern`, which would keep each name.
        parser = expat.ParserCreate(None, None, None)
        parser.buffer_text = True
        parser.StartElementHandler = begins
        parser.EndElementHandler = ends
        parser.CharacterDataHandler = says
        parser.StartDoctypeDeclHandler = _refused
        read = 0
        while piece := document.read(PIECE_BYTES):
            read += len(piece)
            self._bytes_left -= len(piece)
            if self._bytes_left < 0:
                raise XmlTooLarge
            parser.Parse(piece, False)
            if read - parser.CurrentByteIndex > TAG_BYTES_MAX:
                raise XmlTooLarge
            yield from found
            found.clear()
        parser.Parse(b"", True)


def _refused(*_: object) -> NoReturn:
    raise ValueError("a document type")
