"""
Codes in messages: stored encrypted, opened with the participant's own key when a message is shown or sent.
"""

from collections.abc import Mapping

from services.notifications.texts.policy import CODE_LOCKED, CONTACT_LOCKED, TICKET_SEALED, Fact
from shared.contracts import sealing
from shared.runtime.errors import Rejected

TICKET_CODE = "ticket_code"


def with_ticket_code(facts: Mapping[str, Fact], key: bytes | None) -> Mapping[str, Fact]:
    """
    The facts with the ticket's code in place of the sealed code.

    The code is None if the key is missing or does not fit. Then the template says where the code can be seen.
    """
    if TICKET_SEALED not in facts:
        return facts
    opened = {name: fact for name, fact in facts.items() if name != TICKET_SEALED}
    return opened | {TICKET_CODE: _opened(facts[TICKET_SEALED], key)}


def with_code(facts: Mapping[str, Fact], key: bytes) -> Mapping[str, Fact]:
    """
    The facts with the code, if there is one, in place of the encrypted code, and without the contact.

    Raises:
        Rejected: the key does not fit (`contact_unreadable`).
    """
    opened = {name: fact for name, fact in facts.items() if name not in (CODE_LOCKED, CONTACT_LOCKED)}
    if CODE_LOCKED in facts:
        opened["code"] = sealing.decrypt_words(str(facts[CODE_LOCKED]), key)
    return opened


def _opened(ticket_sealed: Fact, key: bytes | None) -> str | None:
    if key is None or not isinstance(ticket_sealed, str):
        return None
    try:
        return sealing.decrypt_words(ticket_sealed, key)
    except Rejected:
        return None
