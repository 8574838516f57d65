"""
Registers the schemas with a schema registry, for teams whose tools look there.

The API is that of Confluent's registry. Karapace has it too, and Apicurio at `/apis/ccompat/v7`. The subject
is the topic and `-value`, as the serializers of these registries name it. The registry gets a copy: the
contracts themselves are in this repository.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import quote

import httpx

from ops.contracts.releases import Contracts
from ops.errors import CommandError

ANSWER_SECONDS_MAX = 20.0
REASON_CHARS_MAX = 300
_CONTENT_TYPE = "application/vnd.schemaregistry.v1+json"

Outcome = Literal["registered", "known", "would be registered"]


class NotRegistered(CommandError):
    """The registry does not answer, or refuses a schema."""


@dataclass(frozen=True, slots=True)
class Registered:
    """What became of one schema. `id` is that of the registry; None if it was not registered."""

    subject: str
    outcome: Outcome
    id: int | None


def client_of(url: str, user: str | None = None, password: str | None = None) -> httpx.Client:
    """A client of the registry at this URL, with a login if it wants one."""
    return httpx.Client(
        base_url=url.rstrip("/"),
        timeout=ANSWER_SECONDS_MAX,
        auth=(user, password or "") if user else None,
        headers={"Content-Type": _CONTENT_TYPE, "Accept": f"{_CONTENT_TYPE}, application/json"},
    )


def push(client: httpx.Client, contracts: Contracts, *, dry_run: bool = False) -> Iterator[Registered]:
    """
    Register each schema that the registry does not have yet. A repeat changes nothing.

    Raises:
        NotRegistered: the registry does not answer, or refuses. What was registered before stays.
    """
    for type_, schema in contracts.schemas.items():
        place = contracts.delivery_of(type_)
        if place is None:
            raise NotRegistered(f"release {contracts.name} has only schemas, no topics: push a later one")
        subject = f"{place['topic']}-value"
        body = {"schemaType": "JSON", "schema": json.dumps(schema, ensure_ascii=False)}
        known = _asked(client, f"/subjects/{quote(subject, safe='')}", body, subject)
        if known is not None:
            yield Registered(subject, "known", known.get("id"))
        elif dry_run:
            yield Registered(subject, "would be registered", None)
        else:
            made = _asked(client, f"/subjects/{quote(subject, safe='')}/versions", body, subject)
            if made is None:
                raise NotRegistered(f"no registry at {client.base_url.host}: check the path of the URL")
            yield Registered(subject, "registered", made.get("id"))


def _asked(client: httpx.Client, path: str, body: dict[str, str], subject: str) -> dict[str, Any] | None:
    """The registry's answer; None if it knows neither the subject nor the schema."""
    where = client.base_url.host
    try:
        answer = client.post(path, json=body)
    except httpx.HTTPError as error:
        raise NotRegistered(
            f"the registry at {where} does not answer ({type(error).__name__}): check its URL, and try again"
        ) from error
    if answer.status_code == HTTPStatus.NOT_FOUND:
        return None
    if answer.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise NotRegistered(
            f"the registry at {where} does not let this user in ({answer.status_code}): set "
            "KEPU_REGISTRY_USER and KEPU_REGISTRY_PASSWORD"
        )
    if answer.status_code == HTTPStatus.CONFLICT:
        raise NotRegistered(
            f"the registry's own rule refuses {subject}: set the compatibility of this subject to NONE "
            "there. Most registries refuse each new optional field of an open JSON Schema, and "
            "kepu contracts check has compared it with all releases already"
        )
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not answer.is_success or not isinstance(found, dict):
        said = " ".join(answer.text[:REASON_CHARS_MAX].split())
        raise NotRegistered(f"the registry at {where} refuses {subject} ({answer.status_code}): {said}")
    return found
