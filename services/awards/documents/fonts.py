"""
The fonts of documents, and which characters they have.

They are Python packages under the SIL Open Font License: Noto Serif SC for texts, Noto Sans CJK for rare
characters, Noto Serif for Latin letters with marks. An operator may add a folder with more fonts
(`KEPU_FONTS_FOLDER`), such as one of CJK Extension B, if a name needs it.

Source: OpenType 1.9.1, chapters "cmap" (formats 4 and 12), "name" and the TrueType collection
"""

import struct
from collections.abc import Iterable, Iterator, Sequence, Set
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from shared.runtime.errors import Rejected

# The package, and the file in it.
_SERIF = ("pylopdf_fonts_zh_cn", "NotoSerifSC-Regular.otf")
_SANS = ("noto_cjk_sans_otc", "NotoSansCJK-Regular.ttc")
_LATIN = ("fontpkg_noto_serif", "files/NotoSerif[wdth,wght].ttf")
_SUFFIXES = (".ttf", ".otf", ".ttc", ".otc")
EXTRA_FONTS_MAX = 20
_FAMILY_NAMES = (16, 1)
# Need no glyph of their own: joiners, and selectors of variants of a character.
_INVISIBLE = {0x200C, 0x200D, 0x2060, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}


class Fonts:
    """
    Which characters can be printed.

    Args:
        extra_folder: fonts of the operator, which are asked last.

    Attributes:
        folders: where the compiler finds them.
        extra_families: the names of the operator's fonts.
    """

    def __init__(self, extra_folder: Path | None = None) -> None:
        files = _our_files()
        extra = _files_in(extra_folder) if extra_folder else []
        self.folders: list[Path] = [file.parent for file in files] + ([extra_folder] if extra_folder else [])
        self.extra_families: list[str] = []
        self._serif, self._all = _our_characters()
        for file in extra:
            content = file.read_bytes()
            self._all = self._all | characters(content)
            self.extra_families += [name for name in families(content) if name not in self.extra_families]

    def missing(self, text: str) -> list[str]:
        """The characters of a text that no font has, as U+20BB7."""
        return [f"U+{ord(one):04X}" for one in dict.fromkeys(text) if not self._has(one, self._all)]

    def check(self, texts: Iterable[str]) -> None:
        """
        Check that all characters can be printed.

        Raises:
            Rejected: no font has one of them. It names the characters by their numbers.
        """
        if missing := self.missing("".join(texts)):
            listed = ", ".join(missing[:10])
            raise Rejected(
                f"no font has these characters: {listed}; an operator can add one that has them",
                code="character_without_font",
                characters=listed,
            )

    def in_serif(self, text: str) -> bool:
        """Whether the font of texts has all of it. If not, all of it is set in the other one."""
        return all(self._has(one, self._serif) for one in text)

    def _has(self, one: str, characters_of: Set[int]) -> bool:
        return ord(one) in characters_of or ord(one) in _INVISIBLE


def _our_files() -> list[Path]:
    return [_file_of(*one) for one in (_SERIF, _SANS, _LATIN)]


@lru_cache(maxsize=1)
def _our_characters() -> tuple[Set[int], Set[int]]:
    """Those of the fonts of texts, and of all fonts."""
    serif, sans, latin = (characters(file.read_bytes()) for file in _our_files())
    return serif | latin, serif | latin | sans


def _file_of(package: str, path: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(f"the fonts of the package {package} are not installed")
    return Path(spec.submodule_search_locations[0]) / path


def _files_in(folder: Path) -> list[Path]:
    files = sorted(one for one in folder.iterdir() if one.suffix.lower() in _SUFFIXES)
    if len(files) > EXTRA_FONTS_MAX:
        raise RuntimeError(f"{folder} has more than {EXTRA_FONTS_MAX} fonts")
    return files


def characters(content: bytes) -> set[int]:
    """The code points that the fonts of this file have glyphs for."""
    found: set[int] = set()
    # The fonts of a collection mostly share one table.
    places = {tables[b"cmap"] for tables in _fonts_of(content) if b"cmap" in tables}
    for place in places:
        _, count = struct.unpack_from(">HH", content, place)
        for number in range(count):
            platform, encoding, offset = struct.unpack_from(">HHI", content, place + 4 + 8 * number)
            if (platform, encoding) in ((0, 3), (0, 4), (0, 6), (3, 1), (3, 10)):
                found.update(_of_subtable(content, place + offset))
    return found


def families(content: bytes) -> list[str]:
    """The names of the families in this file, as a compiler asks for them."""
    names: list[str] = []
    for tables in _fonts_of(content):
        place = tables.get(b"name")
        if place is None:
            continue
        _, count, texts = struct.unpack_from(">HHH", content, place)
        found: dict[int, str] = {}
        for number in range(count):
            platform, _, language, name, length, offset = struct.unpack_from(
                ">6H", content, place + 6 + 12 * number
            )
            if platform == 3 and language == 0x409:
                start = place + texts + offset
                found[name] = content[start : start + length].decode("utf-16-be", "replace")
        names += [found[name] for name in _FAMILY_NAMES if name in found][:1]
    return names


def _fonts_of(content: bytes) -> Iterator[dict[bytes, int]]:
    """For each font of the file, where its tables begin."""
    starts: Sequence[int] = (0,)
    if content[:4] == b"ttcf":
        (count,) = struct.unpack_from(">I", content, 8)
        starts = struct.unpack_from(f">{count}I", content, 12)
    for start in starts:
        (count,) = struct.unpack_from(">H", content, start + 4)
        tables: dict[bytes, int] = {}
        for number in range(count):
            tag, _, offset, _ = struct.unpack_from(">4sIII", content, start + 12 + 16 * number)
            tables[tag] = offset
        yield tables


def _of_subtable(content: bytes, place: int) -> Iterator[int]:
    (form,) = struct.unpack_from(">H", content, place)
    if form == 12:
        (groups,) = struct.unpack_from(">I", content, place + 12)
        for number in range(groups):
            first, last, glyph = struct.unpack_from(">III", content, place + 16 + 12 * number)
            yield from range(first + (glyph == 0), last + 1)
    elif form == 4:
        (twice,) = struct.unpack_from(">H", content, place + 6)
        size = twice // 2
        ends = struct.unpack_from(f">{size}H", content, place + 14)
        starts = struct.unpack_from(f">{size}H", content, place + 16 + twice)
        deltas = struct.unpack_from(f">{size}H", content, place + 16 + 2 * twice)
        offsets_at = place + 16 + 3 * twice
        offsets = struct.unpack_from(f">{size}H", content, offsets_at)
        for part, (start, end) in enumerate(zip(starts, ends, strict=True)):
            for code in range(start, min(end, 0xFFFE) + 1):
                glyph = (
                    code
                    if not offsets[part]
                    else _glyph(content, offsets_at, part, offsets[part], code - start)
                )
                if glyph and (glyph + deltas[part]) & 0xFFFF:
                    yield code


def _glyph(content: bytes, offsets_at: int, part: int, offset: int, within: int) -> int:
    (glyph,) = struct.unpack_from(">H", content, offsets_at + 2 * part + offset + 2 * within)
    return int(glyph)
