"""The second organiser's key of the week of this machine."""

from datetime import UTC, datetime
from pathlib import Path

from ops.deployment import organisers
from ops.local.reviewer import KEY_FILE, NAME, reviewer_key
from ops.local.services import ORGANISERS_FILE
from shared.web.organiser_keys import OrganiserKeys


def test_it_is_made_once_admitted_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    key = reviewer_key(tmp_path)
    assert key
    assert reviewer_key(tmp_path) == key
    found = OrganiserKeys("x" * 43, tmp_path / ORGANISERS_FILE).find(key)
    assert found is not None
    assert (found.name, found.role) == (NAME, "organiser")
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600


def test_once_it_has_ended_it_is_not_shown_and_not_made_again(tmp_path: Path) -> None:
    reviewer_key(tmp_path)
    organisers.end(tmp_path / ORGANISERS_FILE, NAME)
    assert reviewer_key(tmp_path) is None


def test_a_key_of_this_name_that_somebody_else_has_made_stays_theirs(tmp_path: Path) -> None:
    keys = tmp_path / ORGANISERS_FILE
    theirs = organisers.add(keys, NAME, "viewer", datetime.now(UTC))
    assert reviewer_key(tmp_path) is None
    found = OrganiserKeys("x" * 43, keys).find(theirs)
    assert found is not None
    assert found.role == "viewer"
