"""`kepu credential verify`: files, standard input, and what is fetched from the address of an issuer."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ops.cli import app
from shared.credentials.canonical import VC_CONTEXT, Json
from shared.credentials.did_web import did_of, document_url
from shared.credentials.proofs import Signer, moment
from shared.credentials.status_list import encoded
from shared.runtime import clock
from tests.shared.credentials.published import document_of, new_signer, teamwork


class Issuer:
    """An issuer at an address, with a badge at place 5 of its list."""

    def __init__(self, address: str, *revoked: int, superseded: tuple[int, ...] = ()) -> None:
        self.signer, self.did, self.url = new_signer(), did_of(address), f"{address}/credentials/status/0"
        self.badge = self._signed(
            teamwork(self.did)
            | {
                "credentialStatus": {
                    "type": "BitstringStatusListEntry",
                    "statusPurpose": "revocation",
                    "statusListIndex": "5",
                    "statusListCredential": self.url,
                }
            }
        )
        self.document = document_of(self.did, self.signer)
        self.answers = {
            document_url(address): self.document,
            self.url: self._list(self.url, "revocation", *revoked),
            f"{self.url}/superseded": self._list(f"{self.url}/superseded", "superseded", *superseded),
        }

    def _list(self, url: str, purpose: str, *places: int) -> Json:
        subject = {"type": "BitstringStatusList", "statusPurpose": purpose, "encodedList": encoded(places)}
        return self._signed(
            {
                "@context": [VC_CONTEXT],
                "id": url,
                "type": ["VerifiableCredential", "BitstringStatusListCredential"],
                "issuer": self.did,
                "validFrom": moment(clock.now()),
                "credentialSubject": subject,
            }
        )

    def _signed(self, document: Json) -> Json:
        signer: Signer = self.signer
        return signer.with_proof(document, f"{self.did}#{signer.name}", clock.now())


def verified(*arguments: str, given: Any = None) -> Result:
    text = None if given is None else json.dumps(given)
    return CliRunner().invoke(app, ["credential", "verify", *arguments], input=text)


def test_a_badge_is_checked_by_files_alone(tmp_path: Path) -> None:
    of = Issuer("https://awards.example.org")
    names = {"badge": of.badge, "did": of.document, "list": of.answers[of.url]}
    for name, content in names.items():
        (tmp_path / name).write_text(json.dumps(content))
    badge, did = str(tmp_path / "badge"), ("--did", str(tmp_path / "did"))
    found = verified(badge, *did, "--list", str(tmp_path / "list"))
    assert (found.exit_code, found.stdout.partition(":")[0]) == (0, "held")
    assert verified(badge, *did).stdout.startswith("genuine: ")
    alone = verified("-", given=of.badge)
    assert (alone.exit_code, alone.stdout.partition(":")[0]) == (1, "unattested")
    assert verified("-", "--key", of.signer.name, given=of.badge).stdout.startswith("genuine: ")
    more = verified("-", "--key", of.signer.name, given=of.badge | {"grade": "A"})
    assert "not signed, so ignore: grade" in more.stdout


@contextmanager
def served(answers: dict[str, Json]) -> Iterator[str]:
    """These answers by their paths, at an address of this machine."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = json.dumps(answers.get(self.path)).encode()
            self.send_response(200 if self.path in answers else 404)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("revoked", "superseded", "code"),
    [((), (), "held"), ((5,), (), "revoked"), ((5,), (5,), "superseded")],
)
@pytest.mark.parametrize("path", ["", "/awards"])
def test_keys_and_lists_are_fetched_from_the_issuer_that_the_user_names(
    revoked: tuple[int, ...], superseded: tuple[int, ...], code: str, path: str
) -> None:
    answers: dict[str, Json] = {}
    with served(answers) as address:
        of = Issuer(address + path, *revoked, superseded=superseded)
        answers |= {url.removeprefix(address): content for url, content in of.answers.items()}
        found = verified("-", "--fetch", address + path, given=of.badge)
        assert found.stdout.partition(":")[0] == code
        assert found.exit_code == (0 if code == "held" else 1)


def test_nothing_is_fetched_for_a_badge_of_another_issuer() -> None:
    asked: dict[str, Json] = {}
    with served(asked) as address:
        found = verified("-", "--fetch", address, given=Issuer("https://other.example.org").badge)
        assert found.exit_code == 1
        assert "names another issuer" in found.output
        own = Issuer(address)
        answer = verified("-", "--fetch", address, given=own.badge)
        assert "answers 404" in answer.output


def test_what_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    missing = verified(str(tmp_path / "missing"))
    assert "can't read" in missing.output
    (tmp_path / "text").write_text("text")
    assert "is no JSON object" in verified("-", "--did", str(tmp_path / "text"), given={}).output
    assert "is no public key" in verified("-", "--key", "z6Mk", given={}).output
    assert "is no address" in verified("-", "--fetch", "example.org", given={}).output
    assert verified("-", given={}).stdout.startswith("malformed: ")
