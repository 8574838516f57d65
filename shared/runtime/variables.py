"""
The environment variables of the settings: KEPU_NAME for the setting `name`.

What is secret may be in a file instead, which KEPU_NAME_FILE names: whoever may see the environment of a
process, or the description of a container, then does not see the secret. Empty variables count as not set,
since a compose file cannot leave one out.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import PydanticBaseSettingsSource

PREFIX = "KEPU_"
FILE = "_FILE"
# A key in PEM has 200 bytes, a token of a large organisation some thousand.
SECRET_BYTES_MAX = 16_384

_environment: ContextVar[Mapping[str, str]] = ContextVar("environment", default=os.environ)


class MayBeInFile:
    """Marks the type of a setting that is no secret for pydantic, but is kept with the secrets."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """In place of a value: why there is none, and which variable is to blame."""

    variable: str
    words: str


class Variables(PydanticBaseSettingsSource):
    """The values of all settings of a class, from the environment and from files that it names."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The value of a setting; None if it is not set."""
        return self().get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """The value of each setting that is set."""
        given = {name.upper(): value for name, value in _environment.get().items() if value}
        found = {
            name: _value(given, variable(name), may_be_in_file(field))
            for name, field in self.settings_cls.model_fields.items()
        }
        return {name: value for name, value in found.items() if value is not None}


@contextmanager
def taken_from(environment: Mapping[str, str]) -> Iterator[None]:
    """Settings made in this block get their values from here, and not from the environment of the process."""
    token = _environment.set(environment)
    try:
        yield
    finally:
        _environment.reset(token)


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def variables_of(fields: Mapping[str, FieldInfo]) -> Iterator[str]:
    """All variables that these settings may have."""
    for name, field in fields.items():
        yield variable(name)
        if may_be_in_file(field):
            yield variable(name) + FILE


def is_secret(field: FieldInfo) -> bool:
    """Whether nobody may see the value of this setting."""
    return any(part is SecretStr for part in _parts(field.annotation))


def may_be_in_file(field: FieldInfo) -> bool:
    """Whether a file may have the value of this setting."""
    parts = (*field.metadata, *_parts(field.annotation))
    return is_secret(field) or any(isinstance(part, MayBeInFile) for part in parts)


def secret_in(file: Path) -> str:
    """
    The secret in a file, without the line end behind it.

    Raises:
        ValueError: there is none. The words complete a sentence about the variable, and show nothing of it.
    """
    try:
        if not file.is_file():
            raise ValueError("names no file")
        with file.open("rb") as opened:
            content = opened.read(SECRET_BYTES_MAX + 1)
        if len(content) > SECRET_BYTES_MAX:
            raise ValueError(f"names a file of more than {SECRET_BYTES_MAX} bytes")
        text = content.decode().rstrip("\r\n")
    except OSError as error:
        raise ValueError(f"names a file that cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError("names a file that is no text") from None
    if not text:
        raise ValueError("names an empty file")
    return text


def secret_of(name: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """
    The value of one variable, or what is in the file that NAME_FILE names. None if neither is set.

    Raises:
        ValueError: both are set, or the file has no value; with the variable's name.
    """
    found = _value(environment, name, in_file=True)
    if isinstance(found, Unusable):
        raise ValueError(f"{found.variable} {found.words}")  # noqa: TRY004 (its value is wrong, not a type)
    return found


def _value(given: Mapping[str, str], name: str, in_file: bool) -> str | Unusable | None:
    value, file = given.get(name) or None, given.get(name + FILE) if in_file else None
    if not file:
        return value
    if value:
        return Unusable(name + FILE, f"is set, and {name} too: give one of them")
    try:
        return secret_in(Path(file))
    except ValueError as error:
        return Unusable(name + FILE, str(error))


def _parts(annotation: Any) -> Iterator[Any]:
    """A type, and all that it is made of."""
    yield annotation
    for part in (*get_args(annotation), *getattr(annotation, "__metadata__", ())):
        yield from _parts(part)
