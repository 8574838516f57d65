"""Credentials over HTTP: four forms of the same badge, lists, the issuer's keys, and every refusal."""

import struct
import zlib
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import zxingcpp

from services.awards.credentials.give import Credentials
from services.awards.known.store import KnownStore
from shared.credentials.verify import Known, verify, wanted
from shared.runtime import clock
from shared.storage.mongo import Database
from tests.awards.builders import confer, put, scheme, service
from tests.awards.credentials.issuing import bits_set, fetched, new_pem, places_in
from tests.shared.credentials.published import GUIDE_KEY
from tests.support.networks import check_turns
from tests.support.service import ORGANISER, as_participant, code_of, new_id

pytestmark = pytest.mark.stack

DID_KEY = f"did:key:{GUIDE_KEY}"
FORMS = ("credential", "credential.jwt", "badge.png", "badge.svg")


@pytest.fixture
async def clients(mongo: str, database: Database) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Two copies of the service, with one key."""
    more = {"credential_key": new_pem(), "public_url": "http://awards.test"}
    async with service(mongo, copies=2, role="api", database=database.name, **more) as (clients, _):
        yield clients


@pytest.fixture
def client(clients: list[httpx.AsyncClient]) -> httpx.AsyncClient:
    return clients[0]


async def awarded(client: httpx.AsyncClient, known: KnownStore, recipient_id: str = "") -> dict[str, str]:
    of, team = scheme(), recipient_id or new_id("group")
    await put(client, of)
    await known.add_participants([team])
    found: dict[str, str] = (await confer(client, of, team)).json()
    return found


async def known_of(client: httpx.AsyncClient, credential: bytes) -> Known:
    """What a verifier fetches from the issuer's own address."""
    issuer, lists = wanted(credential)
    assert issuer == "did:web:awards.test"
    paths = {url: url.removeprefix("http://awards.test") for url in lists}
    return Known(
        {issuer: await fetched(client, "/.well-known/did.json")},
        lists={url: await fetched(client, path) for url, path in paths.items()},
    )


async def test_each_form_of_a_badge_verifies(client: httpx.AsyncClient, known: KnownStore) -> None:
    award = await awarded(client, known)
    answers = [await client.get(f"/awards/{award['award_code'].lower()}/{form}") for form in FORMS]
    for form in FORMS:
        await check_turns(client, Credentials, f"/awards/{award['award_code']}/{form}")
    assert [one.headers["content-type"].partition(";")[0] for one in answers] == [
        "application/ld+json",
        "text/plain",
        "image/png",
        "image/svg+xml",
    ]
    for one in answers:
        found = await known_of(client, one.content)
        verdict = verify(one.content, found, clock.now())
        assert (verdict.code, list(verdict.unsigned)) == ("held", [])
    assert await fetched(client, "/did.json") == await fetched(client, "/.well-known/did.json")


async def test_a_revocation_is_in_the_list_of_every_copy_that_makes_it_anew(
    clients: list[httpx.AsyncClient], known: KnownStore
) -> None:
    [first, second] = clients
    award = await awarded(first, known)
    given = (await first.get(f"/awards/{award['award_code']}/credential")).content
    assert bits_set(await fetched(first, "/credentials/status/0")) == []
    reason = {"reason": "授予有误"}
    await first.post(f"/awards/{award['award_id']}/revoke", json=reason, headers=ORGANISER)
    status_list = await fetched(second, "/credentials/status/0")
    assert bits_set(status_list) == places_in(given)
    assert status_list["credentialSubject"]["ttl"] == 60_000
    assert bits_set(await fetched(second, "/credentials/status/0/superseded")) == []
    assert verify(given, await known_of(second, given), clock.now()).code == "revoked"
    for form in FORMS:
        assert code_of(await first.get(f"/awards/{award['award_code']}/{form}")) == (
            409,
            "credential_revoked",
        )


async def test_the_recipient_alone_binds_a_credential_to_a_key(
    client: httpx.AsyncClient, known: KnownStore
) -> None:
    person = new_id("p")
    award = await awarded(client, known, person)
    path = f"/awards/{award['award_code']}/credential"
    asked = {"holder": DID_KEY}
    plain = (await client.get(path)).json()
    bound = (await client.get(path, params=asked, headers=as_participant(person))).json()
    assert bound["credentialSubject"]["id"] == DID_KEY
    assert bound["credentialStatus"] == plain["credentialStatus"]
    assert code_of(await client.get(path, params=asked)) == (401, "token_missing")
    stranger = as_participant(new_id("p"))
    assert code_of(await client.get(path, params=asked, headers=stranger)) == (403, "holder_not_recipient")
    wrong = {"holder": DID_KEY[:-1]}
    answer = await client.get(path, params=wrong, headers=as_participant(person))
    assert code_of(answer) == (422, "holder_malformed")
    token = await client.get(f"{path}.jwt", params=asked, headers=as_participant(person))
    assert verify(token.content, await known_of(client, token.content), clock.now()).code == "held"


async def test_what_there_is_no_credential_of(client: httpx.AsyncClient, known: KnownStore) -> None:
    person = new_id("p")
    award = await awarded(client, known, person)
    given = (await client.get(f"/awards/{award['award_code']}/credential")).content
    for form in FORMS:
        assert code_of(await client.get(f"/awards/KW-00000-00000/{form}")) == (404, "award_unknown")
        assert code_of(await client.get(f"/awards/KW-00000-00001/{form}")) == (422, "award_code_malformed")
    await known.erase([person])
    for form in FORMS:
        assert code_of(await client.get(f"/awards/{award['award_code']}/{form}")) == (404, "recipient_erased")
    # The award is still genuine, and so is the credential that its holder has.
    assert verify(given, await known_of(client, given), clock.now()).code == "held"
    assert code_of(await client.get("/credentials/status/7")) == (404, "status_list_unknown")
    refusal = await client.get("/credentials/status/7", headers={"Accept-Language": "zh-CN"})
    assert "没有这个状态列表" in refusal.text


async def test_without_a_key_there_are_no_credentials(
    mongo: str, database: Database, known: KnownStore
) -> None:
    async with service(mongo, role="api", database=database.name) as ([client], _):
        award = await awarded(client, known)
        paths = [f"/awards/{award['award_code']}/{form}" for form in FORMS]
        for path in (*paths, "/credentials/status/0", "/did.json", "/.well-known/did.json"):
            assert code_of(await client.get(path)) == (404, "credentials_off")
        assert (await client.get(f"/awards/{award['award_code']}")).status_code == 200


async def test_the_code_in_the_picture_leads_to_the_award(
    client: httpx.AsyncClient, known: KnownStore
) -> None:
    award = await awarded(client, known)
    address = f"http://awards.test/awards/{award['award_code']}"
    picture = (await client.get(f"/awards/{award['award_code']}/badge.png")).content
    chunks = list(_chunks(picture))
    assert [kind for kind, _ in chunks] == [b"IHDR", b"iTXt", b"PLTE", b"tRNS", b"IDAT", b"IEND"]
    parts = dict(chunks)
    width, height = struct.unpack_from(">II", parts[b"IHDR"])
    palette = [min(parts[b"PLTE"][at : at + 3]) for at in range(0, len(parts[b"PLTE"]), 3)]
    lines = zlib.decompress(parts[b"IDAT"])
    grey = bytes(
        palette[index] for y in range(height) for index in lines[y * (width + 1) + 1 : (y + 1) * (width + 1)]
    )
    [found] = zxingcpp.read_barcodes(memoryview(grey).cast("B", shape=[height, width]))
    assert found.text == address
    svg = (await client.get(f"/awards/{award['award_code']}/badge.svg")).text
    assert f"<desc>{address}</desc>" in svg


def _chunks(picture: bytes) -> Iterator[tuple[bytes, bytes]]:
    rest = picture[8:]
    while rest:
        (length,) = struct.unpack_from(">I", rest)
        yield rest[4:8], rest[8 : 8 + length]
        rest = rest[12 + length :]
