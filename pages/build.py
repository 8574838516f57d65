"""
Make the pages ready to be served: `python -m pages.build FOLDER`.

The folder gets one HTML file for each page, and below `assets/HASH/` everything that they use. The hash is
that of all these files, so a browser may keep them for ever: what changes has another address. Modules
import each other by relative paths, which works in any folder. Text files are also there compressed (.gz),
so that a server compresses nothing at the peak.
"""

import gzip
import hashlib
import re
import shutil
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from string import Template
from typing import Any

SITE = Path(__file__).parent / "site"
# Not below the hash: browsers look for them here, or their addresses must stay.
AT_THE_TOP = ("worker.js", "robots.txt", "favicon.svg", "manifest.webmanifest")
COMPRESSED = {".html", ".js", ".css", ".svg", ".json", ".txt", ".webmanifest"}
HASH_LETTERS = 16
LANGUAGES = ("zh-CN", "en")

_IMPORTED = re.compile(r"""(?:from|^import)\s*["'](\.{1,2}/[^"']+)["']""", re.MULTILINE)
# Such as await import("../lib/large.js"): asked for when it is needed.
_IMPORTED_LATER = re.compile(r"""\bimport\(["'](\.{1,2}/[^"']+)["']\)""")


def build(out: Path, *, local: bool = False) -> None:
    """
    Write the pages into this folder. What is in it goes.

    Args:
        local: also the pages for trying on one's own machine.
    """
    pages = tomllib.loads((SITE / "pages.toml").read_text())
    shutil.rmtree(out, ignore_errors=True)
    version = version_of(SITE)
    assets = out / "assets" / version
    for source in _files(SITE):
        relative = source.relative_to(SITE)
        if relative.name in AT_THE_TOP or relative.name in {"pages.toml", "page.html"}:
            continue
        target = assets / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    shell = Template((SITE / "page.html").read_text())
    for name, page in pages.items():
        if page.get("local") and not local:
            continue
        (out / f"{name}.html").write_text(_html(shell, name, page, version))
    there = {name: page for name, page in pages.items() if (out / f"{name}.html").exists()}
    kept = {name: page for name, page in there.items() if page.get("kept", True) is True}
    opened = {name: page for name, page in there.items() if page.get("kept") == "opened"}
    files = used_by(kept.values())
    lists = {
        "$version": version,
        "$pages": _listed(_addresses(kept)),
        "$files": _listed(f"/{assets.relative_to(out) / path}" for path in files),
        "$opened_pages": _listed(_addresses(opened)),
        "$opened_files": _listed(
            f"/{assets.relative_to(out) / path}" for path in used_by(opened.values()) if path not in files
        ),
    }
    for name in AT_THE_TOP:
        text = (SITE / name).read_text()
        for key, value in lists.items():
            text = text.replace(key, value)
        (out / name).write_text(text)
    for path in _files(out):
        if path.suffix in COMPRESSED:
            # Always the same bytes: without the time.
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))


def used_by(pages: Iterable[Mapping[str, Any]]) -> list[Path]:
    """The files below `assets/HASH/` that these pages use, with the words of both languages."""
    used = {SITE / "style.css", SITE / "old.js"}
    for page in pages:
        view = SITE / "views" / f"{page['view']}.js"
        used |= {view, *imported(view, later=True), *_words(*page.get("words", ()))}
    return sorted(path.relative_to(SITE) for path in used)


def version_of(site: Path) -> str:
    """A hash of all files and their names."""
    whole = hashlib.sha256()
    for path in _files(site):
        whole.update(f"{path.relative_to(site)}\0".encode())
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()[:HASH_LETTERS]


def imported(module: Path, *, later: bool = False) -> Iterator[Path]:
    """
    All modules that a module imports, and what they import: a browser asks for all of them at once.

    Args:
        later: also those that it asks for only when they are needed.
    """
    seen, waiting = {module}, [module]
    while waiting:
        at = waiting.pop(0)
        text = at.read_text()
        for name in _IMPORTED.findall(text) + (_IMPORTED_LATER.findall(text) if later else []):
            path = (at.parent / name).resolve()
            if path not in seen:
                seen.add(path)
                waiting.append(path)
                yield path


def _html(shell: Template, name: str, page: Mapping[str, Any], version: str) -> str:
    below = f"/assets/{version}"
    view = SITE / "views" / f"{page['view']}.js"
    # Which language it will be is known only when a module runs. To ask for the words then would be one more
    # way to the edge and back, and words in the other language are 5 KB. Those of organisers are many more.
    parts = page.get("words", ())
    words = () if "organise" in parts else _words(*parts)
    preloads = [
        f'    <link rel="modulepreload" href="{below}/{path.relative_to(SITE)}">'
        for path in (*imported(view), *words)
    ]
    preloads += [
        f'    <link rel="preload" as="fetch" crossorigin href="{address}">'
        for address in page.get("asks", ())
    ]
    return shell.substitute(
        assets=below, name=name, view=page["view"], title=page["title"], preloads="\n".join(preloads)
    )


def _words(*parts: str) -> list[Path]:
    """Those of citizens and of these parts, in all languages."""
    beginnings = ("", *(f"{part}." for part in parts))
    return [
        SITE / "words" / f"{beginning}{language}.js" for beginning in beginnings for language in LANGUAGES
    ]


def _addresses(names: Iterable[str]) -> list[str]:
    return sorted(f"/{'' if name == 'index' else name}" for name in names)


def _listed(addresses: Iterable[str]) -> str:
    """As the lines of a list in a script."""
    return ",\n".join(f'  "{address}"' for address in addresses)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    build(Path(sys.argv[1]))
