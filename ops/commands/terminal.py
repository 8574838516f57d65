"""What several commands share: the terminal that they print on, and the option --home."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

DEFAULT_HOME = Path(".kepu")
# The folder of kepu up, so that kepu stack and kepu audit find its servers.
UP_HOME = DEFAULT_HOME / "up"

Home = Annotated[
    Path,
    typer.Option(
        "--home", envvar="KEPU_HOME", help="Folder of the servers' data and logs.", rich_help_panel="Where"
    ),
]

console = Console(highlight=False)


def tell(text: str) -> None:
    """Print a line without breaking it, so that an address or a path in it can be copied."""
    console.print(text, soft_wrap=True, markup=False)
