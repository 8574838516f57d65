"""Where to change what: the file and the name, looked up in the code."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ops.documents.finding import ROOT, NotFound, file_of
from ops.documents.tables import table

FILE = Path(__file__).with_name("where.toml")


def to_change() -> str:
    """
    A row for each thing that people want to change.

    Raises:
        NotFound: a row names something that does not exist.
    """
    found = tomllib.loads(FILE.read_text())["change"]
    return table(["to change", "look at"], ([each["what"], "; ".join(_parts(each))] for each in found))


def _parts(change: dict[str, Any]) -> Iterator[str]:
    """The places to look at; a decision with `see_first` comes before the code."""
    if change.get("see_first"):
        yield _decision(change["see"])
    places: dict[str, list[str]] = {}
    for where in change.get("names", ()):
        places.setdefault(file_of(where), []).append(f"`{where.partition(':')[2]}`")
    for file, names in places.items():
        yield f"{', '.join(names)} in `{file}`"
    if "templates" in change:
        [folder] = [path for path in (ROOT / change["templates"]).rglob("templates") if path.is_dir()] or [
            None
        ]
        if folder is None:
            raise NotFound(f"{change['templates']} has no folder templates")
        yield (
            f"`{folder.relative_to(ROOT)}/zh-CN/` and `en/`: a file for each kind of message, such as "
            "`registration_confirmed.txt`. Its first line is the subject. It may use the `facts` of its "
            "event in `NOTICES` (`services/notifications/texts/policy.py`). `tickets.py` beside it decrypts "
            "codes: a template gets `ticket_code` instead of `ticket_sealed`, `code` instead of "
            "`code_locked`, and no `contact_locked`. It may also use the word `you` (`Texts.render`) and the "
            "filters of `environment_of`, both in `render.py` beside it. `letter.txt` is the frame of every "
            "mail"
        )
    if "see" in change and not change.get("see_first"):
        see_note = f", {change['see_note']}" if "see_note" in change else ""
        yield _decision(change["see"]) + see_note
    if "note" in change:
        yield change["note"]


def _decision(path: str) -> str:
    if not (ROOT / path).is_file():
        raise NotFound(f"{path} is gone")
    return f"[{Path(path).name[:4]}]({path})"
