"""kepu draw: compute a draw again from what the service says in public."""

import json
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from ops.commands.terminal import tell
from ops.draws.verify import differences
from ops.errors import CommandError

draw_cli = typer.Typer(no_args_is_help=True, help="Draws: compute one again, without trusting the service.")

ANSWER_SECONDS_MAX = 60.0
# Two hundred thousand entrants, each with the longest id.
LIST_BYTES_MAX = 20_000_000


@draw_cli.callback()
def draws() -> None:
    """Draws: compute one again, without trusting the service."""


@draw_cli.command(name="verify")
def verify_command(
    draw: Annotated[str, typer.Argument(help="The address of the draw, or a file with its JSON.")],
    entrants: Annotated[
        Path | None, typer.Argument(help="The file with the list of entrants, if the draw is a file.")
    ] = None,
) -> None:
    """
    Compute a draw again, and say which step differs. The exit code is 0 only if everything agrees.

    kepu draw verify https://awards.example.org/draws/contest-lucky
    """
    said, text = _of_files(Path(draw), entrants) if entrants else _of_address(draw)
    try:
        found = differences(said, text)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CommandError(f"{draw} is not the JSON of a draw: {type(error).__name__}") from error
    for words in found:
        tell(words)
    if found:
        raise CommandError(f"{len(found)} steps of the draw differ")
    state = "the list agrees; nobody is drawn yet" if said["seed"] is None else "everything agrees"
    tell(f"drawing {said['number']} of {said['draw_id']}: {state}")


def _of_files(draw: Path, entrants: Path) -> tuple[dict[str, Any], str]:
    try:
        return json.loads(draw.read_text(encoding="utf-8")), entrants.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise CommandError(f"{draw} and {entrants} cannot be read: {error}") from error


def _of_address(address: str) -> tuple[dict[str, Any], str]:
    url = httpx.URL(address)
    try:
        with httpx.Client(timeout=ANSWER_SECONDS_MAX) as client:
            said = client.get(url, headers={"accept": "application/json"}).raise_for_status().json()
            listed = url.copy_with(path=f"{url.path}/entrants.txt", params={"number": said["number"]})
            text = _read(client, listed)
    except (httpx.HTTPError, KeyError, ValueError) as error:
        raise CommandError(f"{address} gives no draw: {type(error).__name__}") from error
    return said, text


def _read(client: httpx.Client, url: httpx.URL) -> str:
    body = b""
    with client.stream("GET", url) as answer:
        answer.raise_for_status()
        for piece in answer.iter_bytes():
            body += piece
            if len(body) > LIST_BYTES_MAX:
                raise CommandError(f"the list has more than {LIST_BYTES_MAX} bytes")
    return body.decode()
