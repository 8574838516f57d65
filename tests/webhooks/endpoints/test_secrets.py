from base64 import b64decode

import pytest

from services.webhooks.endpoints.secrets import SecretLock, SecretUnreadable
from tests.webhooks.builders import KEY


def test_a_secret_is_stored_so_that_only_the_same_key_opens_it() -> None:
    lock = SecretLock(KEY)
    secret = lock.new()
    locked = lock.lock(secret)
    assert secret.startswith("whsec_")
    assert secret.removeprefix("whsec_") not in locked
    assert SecretLock(KEY).open(locked) == b64decode(secret.removeprefix("whsec_"))
    for wrong in (SecretLock("another-key-of-tests"), lock):
        with pytest.raises(SecretUnreadable):
            wrong.open(locked if wrong is not lock else "AAAA")


def test_no_two_secrets_are_the_same_and_each_has_as_many_bytes_as_the_standard_asks_for() -> None:
    lock = SecretLock(KEY)
    made = {lock.new() for _ in range(100)}
    assert len(made) == 100
    assert {len(lock.open(lock.lock(one))) for one in made} == {32}
