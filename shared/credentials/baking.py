"""
A credential in a picture ("baked"): in a chunk of a PNG, or in an element of an SVG.

Source: 1EdTech, Open Badges 3.0, section 5.3
"""

import struct
import zlib
from collections.abc import Iterator
from xml.parsers import expat

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
KEYWORD = b"openbadgecredential"
NAMESPACE = "https://purl.imsglobal.org/ob/v3p0"
_TAG = "openbadges:credential"
_CDATA_END = "]]>"
# The compression flag and method (none), no language, no translated keyword.
_PLAIN = b"\0\0\0\0\0"


class NotBaked(Exception):
    """The picture contains no credential, or cannot be read."""


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG: its length, kind, content and checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_with(picture: bytes, credential: str) -> bytes:
    """The picture with this credential in it, directly behind its head."""
    kind, content, rest = _first_chunk(picture[len(PNG_SIGNATURE) :])
    baked = png_chunk(b"iTXt", KEYWORD + _PLAIN + credential.encode())
    return PNG_SIGNATURE + png_chunk(kind, content) + baked + rest


def svg_with(picture: str, credential: str) -> str:
    """The picture, which begins with its `<svg `, with this credential in it."""
    begin, end = picture.split(">", 1)
    # "]]>" would end the section. JSON may write its last character in another way.
    text = credential.replace(_CDATA_END, "]]\\u003e")
    element = f"<{_TAG}><![CDATA[{text}]]></{_TAG}>"
    return f'{begin} xmlns:openbadges="{NAMESPACE}">{element}{end}'


def read_baked(picture: bytes) -> str:
    """
    The credential in a picture.

    Raises:
        NotBaked: there is none.
    """
    found = _in_png(picture) if picture.startswith(PNG_SIGNATURE) else _in_svg(picture)
    if not found:
        raise NotBaked("the picture contains no credential")
    return found.strip()


def _in_png(picture: bytes) -> str | None:
    for kind, content in _chunks(picture[len(PNG_SIGNATURE) :]):
        if kind == b"iTXt" and content.startswith(KEYWORD + b"\0"):
            compressed, rest = content[len(KEYWORD) + 1], content[len(KEYWORD) + 3 :]
            text = rest.split(b"\0", 2)[-1]
            if compressed:
                raise NotBaked("the credential in the picture is compressed, which the standard forbids")
            return text.decode(errors="replace")
    return None


def _chunks(rest: bytes) -> Iterator[tuple[bytes, bytes]]:
    while rest:
        kind, content, rest = _first_chunk(rest)
        yield kind, content


def _first_chunk(rest: bytes) -> tuple[bytes, bytes, bytes]:
    try:
        (length,) = struct.unpack_from(">I", rest)
        kind, content = rest[4:8], rest[8 : 8 + length]
        (check,) = struct.unpack_from(">I", rest, 8 + length)
    except struct.error:
        raise NotBaked("the picture is cut off") from None
    if check != zlib.crc32(kind + content):
        raise NotBaked("the picture is damaged")
    return kind, content, rest[12 + length :]


def _in_svg(picture: bytes) -> str | None:
    parser = expat.ParserCreate(namespace_separator=" ")
    wanted, texts, inside = f"{NAMESPACE} credential", list[str](), False
    token: str | None = None

    def begins(name: str, attributes: dict[str, str]) -> None:
        nonlocal inside, token
        if name == wanted and not texts and token is None:
            inside, token = True, attributes.get("verify")

    def ends(name: str) -> None:
        nonlocal inside
        inside = inside and name != wanted

    def says(text: str) -> None:
        if inside:
            texts.append(text)

    def refuse(*_: object) -> None:
        raise NotBaked("the picture declares entities")

    parser.StartElementHandler, parser.EndElementHandler = begins, ends
    parser.CharacterDataHandler, parser.EntityDeclHandler = says, refuse
    try:
        parser.Parse(picture, True)
    except expat.ExpatError:
        raise NotBaked("it is neither JSON, nor a token, nor a picture") from None
    return token or "".join(texts) or None
