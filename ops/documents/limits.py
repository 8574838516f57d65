"""Every limit with its value: limits.toml has the text, the code has the value and the place."""

import tomllib
from pathlib import Path
from typing import Any

from ops.documents.finding import constant
from ops.documents.tables import table
from ops.documents.values import in_words

FILE = Path(__file__).with_name("limits.toml")


def everything() -> str:
    """A table for each group of limits."""
    return "\n\n".join(_group(group) for group in tomllib.loads(FILE.read_text())["group"])


def value_of(where: str) -> str:
    """The value of a constant as people read it."""
    found = constant(where)
    return in_words(found.name, found.value)


def _group(group: dict[str, Any]) -> str:
    rows = table(["what", "bound", "beyond it", "name"], (_row(limit) for limit in group["limit"]))
    return f"## {group['title']}\n\n{rows}"


def _row(limit: dict[str, Any]) -> list[str]:
    found = [constant(where) for where in limit["names"]]
    values = "; ".join(in_words(one.name, one.value) for one in found)
    places: dict[str, list[str]] = {}
    for one in found:
        places.setdefault(one.file, []).append(f"`{one.name}`")
    names = "; ".join(f"{', '.join(names)} in `{file}`" for file, names in places.items())
    return [limit["what"], values, limit.get("beyond", ""), names]
