"""The settings of the services, from the classes that read them."""

import importlib
from collections.abc import Mapping
from typing import Any

import annotated_types
from fastapi import FastAPI
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from ops.deployment.configuration import settings_of
from ops.deployment.description import EVERY
from ops.deployment.keys import COMMON, NEEDED
from ops.documents.tables import code, table
from ops.local.services import PARTNERS
from shared.runtime.settings import KafkaSettings, Settings
from shared.runtime.variables import PREFIX, is_secret, may_be_in_file, variable

# What happens to a running week when a secret is replaced.
_REPLACED = {
    "KEPU_ORGANISER_KEY": "The owner needs the new key. Keys of the file stay valid.",
    "KEPU_TOKEN_PUBLIC_KEY": "Replace it together with the private key.",
    "KEPU_TOKEN_PRIVATE_KEY": "All tokens end. A request that was decided before is decided again. "
    "Tickets given out before are unknown at the door.",
    "KEPU_CONTACT_PUBLIC_KEY": "Replace it together with the private key. Other systems seal with it too.",
    "KEPU_CONTACT_PRIVATE_KEY": "Contacts and tickets sealed before can never be opened again.",
    "KEPU_NAME_PUBLIC_KEY": "Replace it together with the private key.",
    "KEPU_NAME_PRIVATE_KEY": "Awards cannot open the names from before, until registration has named "
    "everybody anew.",
    "KEPU_ATTEMPT_KEY": "Who is answering questions now must start again; the same attempt gets a new token.",
    "KEPU_CREDENTIAL_KEY": "Name the old public key in `KEPU_CREDENTIAL_OLD_KEYS`. Else credentials signed "
    "before do not verify any more, and their holders have to fetch new ones.",
    "KEPU_WEBHOOK_KEY": "The secrets of all endpoints are lost. Nothing is delivered (`secret_unreadable`) "
    "until each endpoint's secret is rotated at once, and its partner has the new one.",
    "KEPU_AWARD_KEY": "Later awards get codes of the new key. Codes given out before stay valid.",
}


def everything() -> str:
    """The shared settings, then those of each service."""
    parts = [f"**All services**\n\n{_table(Settings, beside=None)}"]
    parts += [
        f"**{name}**\n\n{_table(settings_of(name), beside=Settings)}" for name in (*EVERY, PARTNERS.service)
    ]
    return "\n\n".join(parts)


def secrets() -> str:
    """Which service gets which secret, and what happens when it is replaced."""
    gets = {service: (*COMMON, *NEEDED[service]) for service in EVERY}
    names = dict.fromkeys(name for service in EVERY for name in gets[service])
    return table(
        ["setting", *EVERY, "when it is replaced"],
        (
            [code(name), *("✓" if name in gets[service] else "" for service in EVERY), _REPLACED[name]]
            for name in names
        ),
    )


def assembled(service: str, all_secrets: Mapping[str, str]) -> FastAPI:
    """A service's app with these secrets; nothing is opened. Its OpenAPI document has all endpoints."""
    given = {name.removeprefix(PREFIX).lower(): value for name, value in all_secrets.items()}
    settings = settings_of(service).model_validate(given)
    app: FastAPI = importlib.import_module(f"services.{service}.app").assemble(settings)
    return app


def _table(kind: type[KafkaSettings], *, beside: type[KafkaSettings] | None) -> str:
    known = beside.model_fields if beside else {}
    return table(
        ["variable", "default", "meaning"],
        (
            [code(variable(name)), _default(field), _meaning(field)]
            for name, field in kind.model_fields.items()
            if name not in known
        ),
    )


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default in (None, "", PydanticUndefined):
        return "none"
    default: Any = field.default
    return code(f"{default:g}" if isinstance(default, float) else str(default))


def _meaning(field: FieldInfo) -> str:
    words = [field.description or ""]
    if "secret" not in words[0] and is_secret(field):
        words.append("secret")
    for bound in field.metadata:
        match bound:
            case annotated_types.Ge(ge=low):
                words.append(f"at least {low:g}")
            case annotated_types.Gt(gt=low):
                words.append(f"more than {low:g}")
            case annotated_types.Le(le=high):
                words.append(f"at most {high:g}")
            case annotated_types.MinLen(min_length=low):
                words.append(f"at least {low} characters")
    if may_be_in_file(field):
        words.append("`_FILE`")
    return "; ".join(word for word in words if word)
