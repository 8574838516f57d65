"""
Puts the modules of `kepu_events`, and all modules of `shared` that they stand on, into one package.

In the wheel `shared.contracts.events` is `kepu_events.contracts.events`. Nothing is written twice in the
repository, so the wheel can't differ from what the services use.
"""

import ast
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "kepu_events"
SHARED = "shared"
_IMPORT = re.compile(rf"^(\s*(?:from|import) ){SHARED}\b", re.MULTILINE)


class KitBuildHook(BuildHookInterface):
    """Called by hatchling for each wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files of the wheel."""
        kit = Path(self.root)
        self._made = TemporaryDirectory()
        for number, (target, text) in enumerate(contents(kit.parent).items()):
            made = Path(self._made.name) / f"{number}.py"
            made.write_text(text)
            build_data["force_include"][str(made)] = target

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what `initialize` has made."""
        self._made.cleanup()


def contents(root: Path) -> dict[str, str]:
    """The text of each file of the package, by its path in the wheel."""
    kit = root / "kit" / PACKAGE
    own = {f"{PACKAGE}/{path.name}": path for path in sorted(kit.iterdir()) if path.is_file()}
    found = {target: path.read_text() for target, path in own.items()}
    waiting = [text for target, text in found.items() if target.endswith(".py")]
    while waiting:
        for module in _imported(root, waiting.pop()):
            for path in _files(root, module):
                target = f"{PACKAGE}/{path.relative_to(root / SHARED)}"
                # The names at the top of the package are the kit's own.
                if target not in found and path.parent != root / SHARED:
                    found[target] = path.read_text()
                    waiting.append(found[target])
    return {target: _IMPORT.sub(rf"\1{PACKAGE}", text) for target, text in found.items()}


def _imported(root: Path, text: str) -> set[str]:
    """The modules of `shared` that a module imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
    return {name for name in found if name.split(".")[0] == SHARED}


def _files(root: Path, module: str) -> list[Path]:
    """The file of a module and of the package that it is in; none if it is a name in a module."""
    path = root.joinpath(*module.split("."))
    candidates = [path.with_suffix(".py"), path / "__init__.py", path.parent / "__init__.py"]
    return [one for one in candidates if one.is_file()]
