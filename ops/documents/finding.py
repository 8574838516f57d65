"""Find a constant with its value, or a test, by its name, in all files."""

import ast
import dataclasses
import importlib
import inspect
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

ROOT = Path(__file__).parents[2]


class NotFound(Exception):
    """A document names something that the code does not have, or has twice."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A named number of the code. `file` is relative to the project."""

    name: str
    file: str
    value: Any


def constant(where: str) -> Constant:
    """
    The constant that `place:NAME` or `place:Class.field` names; `place` as for `file_of`.

    Raises:
        NotFound: there is none of this name there, or more than one.
    """
    name = where.partition(":")[2]
    outer, _, field = name.partition(".")
    file = file_of(where)
    found = getattr(importlib.import_module(file.removesuffix(".py").replace("/", ".")), outer)
    value = _value(found, field, where)
    if field:
        # The field may be inherited. Then readers look for it where it is declared.
        declaring = next(one for one in found.__mro__ if field in inspect.get_annotations(one))
        name, file = f"{declaring.__name__}.{field}", f"{declaring.__module__.replace('.', '/')}.py"
    return Constant(name, file, value)


def file_of(where: str) -> str:
    """
    The file that defines what `place:NAME` names: a constant, a class or a function.

    `place` is a service, a folder such as shared/web, or a module such as services/quiz/intake.

    Raises:
        NotFound: there is none of this name there, or more than one.
    """
    place, _, name = where.partition(":")
    outer = name.partition(".")[0]
    folder = f"services/{place}" if (ROOT / "services" / place).is_dir() else place
    files = sorted(file for file, names in _constants(folder) if outer in names)
    if len(files) != 1:
        found = " and ".join(files) or "no module"
        raise NotFound(f"{where}: {found} defines it; a .toml file of ops/documents/ has to name one")
    return files[0]


def files_of_test(name: str) -> list[str]:
    """
    The files with a test of this name, relative to the project.

    Raises:
        NotFound: there is none.
    """
    files = _tests().get(name)
    if not files:
        raise NotFound(f"{name}: no file has this test; correct ops/documents/guarantees.toml")
    return files


def _value(found: Any, field: str, where: str) -> Any:
    if not field:
        # A number with bounds, such as Places: its upper bound.
        for bound in typing.get_args(found)[1:]:
            for limit in getattr(bound, "metadata", []):
                if hasattr(limit, "le"):
                    return limit.le
        return found
    if issubclass(found, BaseModel):
        return found.model_fields[field].default
    defaults = {each.name: each.default for each in dataclasses.fields(found)}
    if field not in defaults:
        raise NotFound(f"{where}: the class has no field {field}")
    return defaults[field]


@cache
def _constants(folder: str) -> tuple[tuple[str, frozenset[str]], ...]:
    """Each module below the folder with the names that it defines itself."""
    return tuple(
        (str(file.relative_to(ROOT)), frozenset(_defined(file)))
        for file in [*sorted((ROOT / folder).rglob("*.py")), *ROOT.glob(f"{folder}.py")]
    )


def _defined(file: Path) -> Iterator[str]:
    for statement in ast.parse(file.read_text()).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name


@cache
def _tests() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                found.setdefault(node.name, []).append(str(file.relative_to(ROOT)))
    return found
