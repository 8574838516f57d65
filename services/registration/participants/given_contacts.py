"""
The contact that somebody gives: an e-mail address or a mobile phone number.

A number is read by Google's rules for all countries and becomes its one form of E.164, however it was typed:
so one number is one participant. Their import takes a tenth of a second and some memory, so only
a process that takes numbers imports them.
"""

import re
import unicodedata
from collections.abc import Sequence
from types import ModuleType
from typing import Annotated

from pydantic import Field, StringConstraints

from shared.contracts.sealing import Contact
from shared.runtime.errors import Rejected

PHONE_CHARS_MAX = 40
PHONE_REGIONS_MAX = 20
TypedPhone = Annotated[
    str,
    StringConstraints(min_length=1, max_length=PHONE_CHARS_MAX),
    Field(
        description="a mobile phone number, in place of an e-mail address, if the organisers take numbers",
        examples=["138 0013 8000"],
    ),
]
"""A number as somebody types it. `GivenContacts` reads it."""
# Digits, and what people write between them. No letters: some countries read them as digits, and no
# extensions.
_TYPED = re.compile(r"\+?[0-9 ()./-]+")
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u30fc", "-"))


class GivenContacts:
    """
    Reads contacts.

    Args:
        phone_regions: whose mobile numbers are taken, such as CN; the first is that of numbers without a
            country code. Empty: no numbers are taken.

    Raises:
        ValueError: there is no such region.
    """

    def __init__(self, phone_regions: Sequence[str] = ()) -> None:
        self._regions = tuple(phone_regions)
        if unknown := [region for region in self._regions if region not in _library().SUPPORTED_REGIONS]:
            raise ValueError(f"there is no region {unknown[0]} with phone numbers")

    @property
    def phone_regions(self) -> tuple[str, ...]:
        """Whose mobile numbers are taken."""
        return self._regions

    def contact(self, name: str, email: str | None, phone: str | None) -> Contact:
        """
        The contact, if name and e-mail address are checked already.

        Raises:
            Rejected: `contact_missing`, `contact_ambiguous`, or the number is none to be taken.
        """
        if email is not None and phone is None:
            return Contact.model_construct(name=name, email=email, phone=None)
        return Contact.model_construct(name=name, phone=self.address(email, phone))

    def address(self, email: str | None, phone: str | None) -> str:
        """
        The one of both that is given.

        Raises:
            Rejected: `contact_missing`, `contact_ambiguous`, or the number is none to be taken.
        """
        if email is not None and phone is not None:
            raise Rejected(
                "give an e-mail address or a mobile phone number, not both", code="contact_ambiguous"
            )
        if email is not None:
            return email
        if phone is None:
            raise Rejected("give an e-mail address or a mobile phone number", code="contact_missing")
        return self.phone(phone)

    def phone(self, typed: str) -> str:
        """
        A mobile phone number in the form of E.164.

        Raises:
            Rejected: no numbers are taken (`phone_unsupported`), it is no mobile number (`phone_invalid`), or
                one of another region (`phone_region`).
        """
        if not self._regions:
            raise Rejected(
                "mobile phone numbers cannot be used here; give an e-mail address", code="phone_unsupported"
            )
        text = unicodedata.normalize("NFKC", typed).translate(_DASHES)
        # Such as zero-width spaces, which come along when a number is copied.
        text = "".join(c for c in text if unicodedata.category(c) != "Cf").strip()
        if not _TYPED.fullmatch(text):
            raise _invalid()
        library = _library()
        try:
            number = library.parse(text, self._regions[0])
        except library.NumberParseException:
            raise _invalid() from None
        mobile = (library.PhoneNumberType.MOBILE, library.PhoneNumberType.FIXED_LINE_OR_MOBILE)
        if not library.is_valid_number(number) or library.number_type(number) not in mobile:
            raise _invalid()
        if library.region_code_for_number(number) not in self._regions:
            raise Rejected(
                "mobile phone numbers of this country or region cannot be used here; give an e-mail address",
                code="phone_region",
            )
        e164: str = library.format_number(number, library.PhoneNumberFormat.E164)
        return e164


def _library() -> ModuleType:
    # Here, as the import takes a tenth of a second, for nothing where no numbers are taken.
    import phonenumbers

    return phonenumbers


def _invalid() -> Rejected:
    # Without the number.
    return Rejected("this is no valid mobile phone number", code="phone_invalid")
