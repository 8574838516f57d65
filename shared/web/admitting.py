"""
Organisers are admitted by their key and its role; wrong keys are bounded for each address.

A random key of full length cannot be found by trying, so it is always admitted. Otherwise anybody at the
venue's address could lock out the door by sending wrong keys. A shorter key may be one that people have
chosen: it is refused, right or wrong, while its address has tried too often.
"""

from collections.abc import Collection
from math import ceil

from shared.runtime.acting import Organiser, Role
from shared.runtime.errors import Forbidden, NotAuthenticated
from shared.web.organiser_keys import KEY_CHARS, OrganiserKeys
from shared.web.problems import TooOften
from shared.web.wrong_tries import WrongTries

WRONG_KEYS_MAX = 20
WRONG_KEYS_SECONDS = 600


class Admission:
    """Admits organisers by the key that a request carries."""

    def __init__(self, keys: OrganiserKeys, wrong_keys: WrongTries | None = None) -> None:
        self._keys = keys
        self._wrong_keys = wrong_keys or WrongTries(WRONG_KEYS_MAX, WRONG_KEYS_SECONDS)

    def name_of(self, given: bytes) -> str:
        """
        The name of an organiser's key that nobody can guess. Of another one nothing is shown: it is empty.
        """
        if len(given) < KEY_CHARS:
            return ""
        organiser = self._keys.find(given.decode("latin-1"))
        return organiser.name if organiser else ""

    def admit(self, given: str | None, roles: Collection[Role], address: str) -> Organiser:
        """
        Whose key this is.

        Raises:
            NotAuthenticated: no key was given.
            Forbidden: it is no organiser's key, or that of another role.
            TooOften: too many wrong keys came from this address (429).
        """
        if not given:
            raise NotAuthenticated(
                "give an organiser's key in the header X-Organiser-Key", code="organiser_key_missing"
            )
        organiser = self._keys.find(given)
        can_be_guessed = organiser is None or len(given) < KEY_CHARS
        if can_be_guessed and (seconds_left := self._wrong_keys.seconds_left(address)):
            raise _tried_too_often(ceil(seconds_left))
        if organiser is None:
            self._wrong_keys.count(address)
            raise Forbidden("this is no organiser's key", code="organiser_key_wrong")
        check_role(organiser, roles)
        return organiser


def check_role(organiser: Organiser, roles: Collection[Role]) -> None:
    """
    Check that an organiser has one of these roles.

    Raises:
        Forbidden: it is another one.
    """
    if organiser.role not in roles:
        needed = ", ".join(sorted(roles))
        raise Forbidden(
            f"your key has the role {organiser.role}; this needs one of {needed}",
            code="organiser_role",
            role=organiser.role,
            roles=needed,
        )


def _tried_too_often(seconds: int) -> TooOften:
    return TooOften(
        seconds,
        f"too many wrong keys came from your address; try again in {seconds} s",
        code="organiser_keys_tried",
    )
