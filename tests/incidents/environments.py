"""The settings of services that tests start as processes."""

from tests.awards.builders import AWARD_KEY
from tests.quiz.builders import ATTEMPT_KEY
from tests.support.service import (
    CONTACT_PRIVATE_KEY,
    CONTACT_PUBLIC_KEY,
    ORGANISER_KEY,
    TOKEN_PRIVATE_KEY,
    TOKEN_PUBLIC_KEY,
)

_OF_ONE = {
    "registration": {
        "KEPU_TOKEN_PRIVATE_KEY": TOKEN_PRIVATE_KEY,
        "KEPU_CONTACT_PUBLIC_KEY": CONTACT_PUBLIC_KEY,
        "KEPU_HOLD_MINUTES": "0",
    },
    "quiz": {"KEPU_ATTEMPT_KEY": ATTEMPT_KEY},
    "awards": {"KEPU_AWARD_KEY": AWARD_KEY},
    "notifications": {
        "KEPU_CONTACT_PRIVATE_KEY": CONTACT_PRIVATE_KEY,
        "KEPU_CONTACT_PUBLIC_KEY": CONTACT_PUBLIC_KEY,
    },
}


def environment_of(service: str, kafka: str, mongo: str, port: int, **more: str) -> dict[str, str]:
    """The environment of a process of this service."""
    return {
        "KEPU_KAFKA": kafka,
        "KEPU_MONGO": mongo,
        "KEPU_PORT": str(port),
        "KEPU_ORGANISER_KEY": ORGANISER_KEY,
        "KEPU_TOKEN_PUBLIC_KEY": TOKEN_PUBLIC_KEY,
        **_OF_ONE[service],
        **more,
    }
