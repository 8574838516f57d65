"""Whether the settings of a deployment are right: each service's own, and variables that no service knows."""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from pydantic import ValidationError

from ops.deployment.description import EVERY, SERVICES
from ops.errors import CommandError
from shared.runtime.settings import KafkaSettings, Settings, wrong
from shared.runtime.variables import PREFIX, taken_from, variables_of

FILE_BYTES_MAX = 1_048_576
# Less than for a service at its start: here somebody looks, and a wrong guess does no harm.
ALIKE = 0.75
# Variables that no service reads, and who does.
OTHERS = {
    "KEPU_HOME": "kepu",
    "KEPU_JAVA": "the local stack",
    "KEPU_STACK_TRANSACTION_MS": "the local stack",
    "KEPU_QUIZ_WORKERS": "docker-compose.yml",
    "KEPU_PARTNERS": "docker-compose.yml",
    "KEPU_PARTNERS_FILE": "the bridge for partners",
}


class UnreadableFile(CommandError):
    """A file of variables cannot be read."""


def settings_of(service: str) -> type[Settings]:
    """The class of a service's settings."""
    module = importlib.import_module(f"services.{service}.app")
    found: type[Settings] = getattr(module, f"{service.capitalize()}Settings")
    return found


def variables_in(file: Path) -> dict[str, str]:
    """
    The variables of an .env file, as docker compose reads it. The last value of a name counts.

    Raises:
        UnreadableFile: there is no such file, or it is no text.
    """
    try:
        with file.open("rb") as opened:
            lines = opened.read(FILE_BYTES_MAX).decode().splitlines()
    except OSError as error:
        raise UnreadableFile(f"can't read {file} ({error.strerror}): name another file") from None
    except UnicodeDecodeError:
        raise UnreadableFile(f"{file} is no text: name another file") from None
    pairs = (line.strip().removeprefix("export ").partition("=") for line in lines)
    return {name.strip(): _unquoted(value.strip()) for name, _, value in pairs if _ and name[:1] != "#"}


def findings(environment: Mapping[str, str], services: Sequence[str] = SERVICES) -> Iterator[str]:
    """A line for each wrong, missing or unknown variable, without its value."""
    found: dict[str, list[str]] = {}
    for service in services:
        for line in _wrong_of(service, environment):
            found.setdefault(line, []).append(service)
    for line, whose in found.items():
        yield line if len(whose) == len(services) else f"{line} ({', '.join(whose)})"
    yield from _unknown(environment)


def _wrong_of(service: str, environment: Mapping[str, str]) -> list[str]:
    try:
        with taken_from(environment):
            settings_of(service)()
    except ValidationError as error:
        return wrong(error)
    return []


def _unknown(environment: Mapping[str, str]) -> Iterator[str]:
    kinds: list[type[KafkaSettings]] = [settings_of(service) for service in EVERY]
    known = {name for kind in kinds for name in variables_of(kind.model_fields)} | OTHERS.keys()
    for name in sorted(environment):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            alike = get_close_matches(name.upper(), known, n=1, cutoff=ALIKE)
            yield f"{name}: is no setting" + (f"; did you mean {alike[0]}?" if alike else "")


def _unquoted(value: str) -> str:
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if is_quoted else value
