"""kepu credential: check a badge that somebody shows."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import httpx
import typer

from ops.errors import CommandError
from shared.credentials.did_web import did_of, document_url
from shared.credentials.multikey import public_key_of
from shared.credentials.verify import CREDENTIAL_BYTES_MAX, Known, verify, wanted
from shared.runtime import clock

credentials_cli = typer.Typer(
    no_args_is_help=True, help="Check a badge: who has signed it, and whether it still holds."
)

REFUSED = 1
FETCH_SECONDS_MAX = 10.0


class CredentialError(CommandError):
    """A file cannot be read, or an address does not answer as it should."""


@credentials_cli.callback()
def credential() -> None:
    """Without this, Typer would make `verify` the whole command."""


@credentials_cli.command(name="verify")
def verify_command(
    file: Annotated[str, typer.Argument(help="JSON, a token, a PNG or an SVG; - for standard input.")],
    did: Annotated[
        list[Path] | None, typer.Option(help="An issuer's DID document; as often as you like.")
    ] = None,
    list_: Annotated[
        list[Path] | None, typer.Option("--list", help="A status list; as often as you like.")
    ] = None,
    key: Annotated[
        list[str] | None, typer.Option(help="A public key that you trust (z6Mk…); as often as you like.")
    ] = None,
    fetch: Annotated[
        str,
        typer.Option(
            help="The address of an issuer whom you trust: its keys and lists are fetched from there only."
        ),
    ] = "",
) -> None:
    """
    Say whether a badge is genuine and still holds: "code: words". Nothing is fetched without --fetch.

    Exits with 0 for `held` and `genuine`, with 1 for all others: unattested, revoked, superseded, expired,
    not_yet_valid, forged, key_unknown, list_unsound, malformed.
    """
    content = sys.stdin.buffer.read(CREDENTIAL_BYTES_MAX + 1) if file == "-" else _read(Path(file))
    documents = {str(one.get("id")): one for one in map(_json_file, did or ())}
    lists = {str(one.get("id")): one for one in map(_json_file, list_ or ())}
    if fetch:
        fetched_documents, fetched_lists = _fetched(fetch.rstrip("/"), content)
        documents |= fetched_documents
        lists |= fetched_lists
    found = verify(content, Known(documents, frozenset(map(_key, key or ())), lists), clock.now())
    sys.stdout.write(f"{found.code}: {found.why}\n")
    if found.unsigned:
        sys.stdout.write(f"not signed, so ignore: {', '.join(found.unsigned)}\n")
    if not found.is_good:
        raise typer.Exit(REFUSED)


def _fetched(address: str, content: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """The issuer's document and the lists, if the badge says that they are at this address."""
    if urlsplit(address).scheme not in ("http", "https"):
        raise CredentialError(f"{address} is no address: name it like https://example.org/awards")
    issuer, urls = wanted(content)
    if issuer != did_of(address):
        raise CredentialError(f"the badge names another issuer than {address}: {issuer or 'none'}")
    own = [url for url in urls if url.startswith(f"{address}/")]
    with httpx.Client(timeout=FETCH_SECONDS_MAX, follow_redirects=False) as client:
        return {issuer: _get(client, document_url(address))}, {url: _get(client, url) for url in own}


def _get(client: httpx.Client, url: str) -> dict[str, Any]:
    content = b""
    try:
        with client.stream("GET", url) as answer:
            if answer.status_code != httpx.codes.OK:
                raise CredentialError(f"{url} answers {answer.status_code}")
            for piece in answer.iter_bytes():
                content += piece
                if len(content) > CREDENTIAL_BYTES_MAX:
                    raise CredentialError(f"{url} answers with more than {CREDENTIAL_BYTES_MAX} bytes")
    except httpx.HTTPError as error:
        raise CredentialError(f"{url} does not answer ({type(error).__name__})") from None
    return _json(content, url)


def _json_file(path: Path) -> dict[str, Any]:
    return _json(_read(path), str(path))


def _json(content: bytes, name: str) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise CredentialError(f"{name} is no JSON object")
    return found


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(CREDENTIAL_BYTES_MAX + 1)
    except OSError as error:
        raise CredentialError(f"can't read {path} ({error.strerror})") from None


def _key(text: str) -> bytes:
    try:
        return public_key_of(text)
    except ValueError:
        raise CredentialError(f"{text} is no public key: it looks like z6Mk…") from None
