"""Which table is in which document, and how it gets there."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from pathlib import Path

from ops.deployment.description import EVERY
from ops.documents import (
    alerting,
    dashboards,
    event_map,
    guarantees,
    limits,
    objectives,
    observing,
    roles,
    settings,
    sharding,
    ways,
    where,
)
from ops.documents.catalogue import pages
from ops.documents.finding import ROOT

Table = Callable[[], str]

SECTIONS: dict[str, dict[str, Table]] = {
    "ARCHITECTURE.md": {
        "events": event_map.events_of_the_week,
        "chief guarantees": guarantees.chief,
        "failures": guarantees.failures,
        "way of a submission": ways.submission,
        "way of a registration": ways.registration,
    },
    "CONTRIBUTING.md": {"where": where.to_change},
    "docs/guarantees.md": {"guarantees": guarantees.everything},
    "docs/limits.md": {"limits": limits.everything},
    "docs/organising.md": {"roles": roles.routes},
    **{
        f"services/{service}/README.md": {"events": partial(event_map.of_service, service)}
        for service in EVERY
    },
    "docs/operating.md": {
        "settings": settings.everything,
        "secrets": settings.secrets,
        "alerts": alerting.alerts,
        "sharding": sharding.everything,
    },
    "docs/metrics.md": {"metrics": observing.metrics_of_all},
    "docs/slo.md": {"objectives": objectives.in_words},
}
# Made as a whole.
FILES: dict[str, Table] = {
    "deploy/prometheus/rules/slo.yml": objectives.rules,
    **dashboards.files(),
    **pages.files(),
}
# Every file in these folders is made.
FOLDERS = (pages.FOLDER,)
BEGIN = "<!-- made by python -m ops.documents: {} -->"
END = "<!-- end of {} -->"


class NoMarks(Exception):
    """A document has no place for a table."""


def filled(text: str, tables: dict[str, Table]) -> str:
    """
    The document with its tables made anew.

    Raises:
        NoMarks: the place of a table is gone.
    """
    for name, table in tables.items():
        begin, end = BEGIN.format(name), END.format(name)
        place = re.compile(rf"{re.escape(begin)}\n.*?{re.escape(end)}", re.DOTALL)
        if not place.search(text):
            raise NoMarks(f"the marks of the table {name!r} are missing: {begin} and {end}")
        made = f"{begin}\n\n{table().strip()}\n\n{end}"
        text = place.sub(lambda _, made=made: made, text)  # type: ignore[misc]
    return text


def write() -> list[str]:
    """
    Write the tables anew; returns the documents that have changed.

    All tables are made before the first document is written: a name that is not found changes no document.
    """
    changed = {document: after for document, after in _made() if after != _read(document)}
    for document, text in changed.items():
        (ROOT / document).parent.mkdir(exist_ok=True)
        (ROOT / document).write_text(text)
    for document in stale():
        (ROOT / document).unlink()
    return list(changed)


def stale(
    made: Collection[str] = FILES.keys(), folders: Iterable[str] = FOLDERS, root: Path = ROOT
) -> list[str]:
    """The files in folders of made files that nothing makes any more."""
    there = (path for folder in folders for path in (root / folder).iterdir())
    return sorted({str(path.relative_to(root)) for path in there}.difference(made))


def outdated() -> list[str]:
    """The documents whose tables differ from the code, a sentence each."""
    different = [document for document, made in _made() if made != _read(document)]
    return [
        f"{document} is out of date: run .venv/bin/python -m ops.documents"
        for document in (*different, *stale())
    ]


def _made() -> Iterator[tuple[str, str]]:
    """Each document as it should be."""
    for file, made in FILES.items():
        yield file, made()
    for document, tables in SECTIONS.items():
        yield document, filled(_read(document), tables)


def _read(document: str) -> str:
    path = ROOT / document
    return path.read_text() if path.exists() else ""
