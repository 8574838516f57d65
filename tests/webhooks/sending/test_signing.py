import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from services.webhooks.endpoints.secrets import SecretLock
from services.webhooks.sending.signing import headers_of
from shared.runtime import clock
from tests.webhooks.builders import KEY

LOCK = SecretLock(KEY)
BODY = '{"data":"濮阳"}'.encode()


def test_the_library_of_the_standard_verifies_a_signature_by_each_of_two_secrets() -> None:
    secrets = [LOCK.new(), LOCK.new()]
    headers = headers_of([LOCK.open(LOCK.lock(one)) for one in secrets], "msg_1", clock.now(), BODY)
    assert headers["webhook-signature"].count("v1,") == 2
    for secret in secrets:
        Webhook(secret).verify(BODY, headers)


def test_a_changed_body_id_or_secret_is_noticed() -> None:
    secret = LOCK.new()
    headers = headers_of([LOCK.open(LOCK.lock(secret))], "msg_1", clock.now(), BODY)
    for body, changed, by in (
        (BODY + b" ", headers, secret),
        (BODY, headers | {"webhook-id": "msg_2"}, secret),
        (BODY, headers, LOCK.new()),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(by).verify(body, changed)
