"""Settings that cannot work are refused at the start."""

from pathlib import Path
from typing import Any

import pytest

from services.notifications.app import NotificationsSettings
from services.notifications.contacts.decryptor import Decryptor
from services.notifications.sending.courier import LEASE_SECONDS_MIN, Pace
from services.notifications.sending.send import SEND_SECONDS_MAX
from shared.contracts.sealing import new_key_pair
from shared.runtime.variables import taken_from
from shared.storage.mongo import TRANSACTION_SECONDS_MAX
from tests.support.service import CONTACT_PRIVATE_KEY, CONTACT_PUBLIC_KEY, TOKEN_PUBLIC_KEY


def test_settings_that_cannot_work_are_refused_at_once() -> None:
    fine: dict[str, Any] = {"organiser_key": "k" * 16, "token_public_key": TOKEN_PUBLIC_KEY}
    with pytest.raises(ValueError, match="KEPU_CONTACT_PRIVATE_KEY"):
        NotificationsSettings(**fine, role="worker")
    with pytest.raises(ValueError, match="in clear"):
        NotificationsSettings(**fine, contact_private_key=CONTACT_PRIVATE_KEY, smtp_username="kepu")
    assert NotificationsSettings(**fine, role="api").contact_private_key is None
    for sender in ("nobody", "王小明@example.org", "a@b@c"):
        with pytest.raises(ValueError, match=r"mail_from|KEPU_MAIL_FROM"):
            NotificationsSettings(**fine, role="api", mail_from=sender)
    with pytest.raises(ValueError, match="signature_zh"):
        NotificationsSettings(**fine, role="api", signature_zh="a\nBcc: b")


def test_a_claim_is_never_shorter_than_the_sending_that_begins_within_it() -> None:
    fine: dict[str, Any] = {"organiser_key": "k" * 16, "token_public_key": TOKEN_PUBLIC_KEY, "role": "api"}
    with pytest.raises(ValueError, match="claim_lease_seconds"):
        NotificationsSettings(**fine, claim_lease_seconds=119)
    assert NotificationsSettings(**fine).claim_lease_seconds == LEASE_SECONDS_MIN == 120
    begun_last = Pace(lease_seconds=LEASE_SECONDS_MIN).sending_seconds_max
    assert begun_last + SEND_SECONDS_MAX + TRANSACTION_SECONDS_MAX <= LEASE_SECONDS_MIN


def test_contact_keys_that_do_not_fit_are_seen_at_the_start() -> None:
    fine: dict[str, Any] = {"organiser_key": "k" * 16, "token_public_key": TOKEN_PUBLIC_KEY, "role": "api"}
    other, _ = new_key_pair()
    pair: dict[str, Any] = {
        "contact_private_key": CONTACT_PRIVATE_KEY,
        "contact_public_key": CONTACT_PUBLIC_KEY,
    }
    assert NotificationsSettings(**fine, **pair)
    with pytest.raises(ValueError, match="not a pair") as refused:
        NotificationsSettings(**fine, **(pair | {"contact_private_key": other}))
    assert other not in str(refused.value)
    for wrong in ("AAAA", "no base64", ""):
        with pytest.raises(ValueError, match="KEPU_CONTACT_PRIVATE_KEY"):
            Decryptor(wrong)


def test_settings_of_sms_that_cannot_work_are_refused_at_once(tmp_path: Path) -> None:
    fine: dict[str, Any] = {"organiser_key": "k" * 16, "token_public_key": TOKEN_PUBLIC_KEY, "role": "api"}
    assert not NotificationsSettings(**fine).sends_sms
    for url in ("sms.example.org", "https://user:secret@sms.example.org/", "https://sms.example.org/?key=1"):
        with pytest.raises(ValueError, match="sms_url"):
            NotificationsSettings(**fine, sms_url=url)
    key_file = tmp_path / "key"
    with taken_from({"KEPU_SMS_KEY_FILE": str(key_file)}):
        for content in ("two\nlines", "钥匙"):
            key_file.write_text(content)
            with pytest.raises(ValueError, match="has to be printable ASCII") as refused:
                NotificationsSettings(**fine)
            assert content not in str(refused.value)
        key_file.write_text("a key\n")
        settings = NotificationsSettings(**fine, sms_url="https://sms.example.org/v1")
    assert settings.sends_sms
    assert settings.sms_key is not None
    assert settings.sms_key.get_secret_value() == "a key"
