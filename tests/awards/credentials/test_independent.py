"""
Another maker's implementation, of one of the standards' editors, checks our credentials and lists.

It runs in Node and knows nothing of this project. Its packages are pinned with their hashes, and are
installed for the test alone. Without Node, or without a way to get the packages, the test is skipped and says
so.
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from services.awards.issued.rules import Award
from shared.credentials.canonical import Json
from shared.credentials.verify import REVOCATION
from tests.awards.builders import closed as closed_quiz
from tests.awards.builders import completed, joined, prizes, published, scheme, standing
from tests.awards.credentials.issuing import ISSUER, Issuing
from tests.awards.parts import Parts, new_parts
from tests.support.service import new_id

pytestmark = pytest.mark.stack

HERE = Path(__file__).parent / "independent"
INSTALL_SECONDS_MAX = 120
CHECK_SECONDS_MAX = 60


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the other implementation."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("there is no Node on this machine")
    folder = tmp_path_factory.mktemp("independent") / "checker"
    shutil.copytree(HERE, folder)
    install = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    try:
        subprocess.run(install, cwd=folder, check=True, capture_output=True, timeout=INSTALL_SECONDS_MAX)
    except (subprocess.SubprocessError, OSError) as error:
        pytest.skip(f"the packages of the other implementation cannot be installed: {type(error).__name__}")
    return folder


def checked(checker: Path, credential: Json, did_document: Json, status_list: Json) -> Any:
    given = {
        "credential": credential,
        "didDocument": did_document,
        "lists": {ISSUER.status_list(0): status_list},
    }
    run = subprocess.run(
        ["node", "check.mjs"],  # noqa: S607 (found in the fixture)
        cwd=checker,
        input=json.dumps(given).encode(),
        capture_output=True,
        timeout=CHECK_SECONDS_MAX,
        check=False,
    )
    assert run.returncode == 0, run.stderr.decode()
    return json.loads(run.stdout)


async def awarded(at: Parts) -> list[Award]:
    """A flag of a group, and a prize with a tier."""
    flag, quiz, winner, team = scheme(), new_id("quiz"), new_id("p"), new_id("group")
    prize = prizes(quiz, 一等奖=1, 二等奖=2)
    await at.know(joined(team, kind="group"), published(quiz))
    for one in (flag, prize):
        await at.put(one)
    await at.handle(completed(quiz, winner, 90))
    await at.handle(closed_quiz(quiz, [standing(1, winner, 90)]))
    return [await at.confer(flag, team), (await at.issued(prize))[winner]]


async def test_another_implementation_verifies_what_holds_and_refuses_what_does_not(
    mongo: str, checker: Path
) -> None:
    async with new_parts(mongo) as [at]:
        issuing = Issuing(at)
        await issuing.places.prepare()
        awards = await awarded(at)
        held, goes = [json.loads(await issuing.give(award)) for award in awards]
        await at.revoke(awards[1].award_id, "a reason")
        did, status_list = (
            issuing.keys.did_document(),
            json.loads(await issuing.lists.read(0, REVOCATION, issuing.keys)),
        )

    def check(credential: Json) -> Any:
        return checked(checker, credential, did, status_list)

    found = check(held)
    assert found == {"verified": True, "signed": True, "revoked": False, "error": ""}
    assert check(goes)["revoked"]
    changed = check(held | {"name": "Another award"})
    assert not changed["signed"]
    unsound = status_list | {"validFrom": "2020-01-01T00:00:00Z"}
    refused = checked(checker, held, did, unsound)
    assert not refused["verified"]
