"""Schemas to a registry: once each, with a login, and with a sentence for what goes wrong."""

import json
from collections.abc import Callable

import httpx
import pytest

from ops.contracts.registry import NotRegistered, client_of, push
from ops.contracts.releases import Contracts, current, named
from shared.contracts import events


class Registry:
    """Answers as the API of Confluent's registry is described. It refuses what `refuses` says."""

    def __init__(self, refuses: Callable[[httpx.Request], httpx.Response | None] = lambda _: None) -> None:
        self.subjects: dict[str, list[str]] = {}
        self.asked: list[httpx.Request] = []
        self._refuses = refuses

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if (refusal := self._refuses(request)) is not None:
            return refusal
        body = json.loads(request.content)
        assert body["schemaType"] == "JSON"
        _, _, subject, *versions = request.url.path.split("/")
        known = self.subjects.get(subject, [])
        if body["schema"] in known:
            return httpx.Response(200, json={"subject": subject, "id": 7, "version": 1})
        if not versions:
            return httpx.Response(404, json={"error_code": 40401 if not known else 40403})
        self.subjects[subject] = [*known, body["schema"]]
        return httpx.Response(200, json={"id": 7})

    def client(self) -> httpx.Client:
        named = client_of("http://registry.example/", "wang", "secret")
        return httpx.Client(
            base_url=named.base_url,
            auth=named.auth,
            headers=named.headers,
            transport=httpx.MockTransport(self.answer),
        )


def test_each_schema_is_registered_once_under_its_topic() -> None:
    registry = Registry()
    first = list(push(registry.client(), current()))
    assert {one.outcome for one in first} == {"registered"}
    assert set(registry.subjects) == {f"{contract.topic}-value" for contract in events.ALL}
    [text] = registry.subjects["quiz.completed-value"]
    assert json.loads(text) == current().schemas["kepu.quiz.completed.v1"]
    again = list(push(registry.client(), current()))
    assert {one.outcome for one in again} == {"known"}
    assert all(len(versions) == 1 for versions in registry.subjects.values())


def test_dry_run_registers_nothing() -> None:
    registry = Registry()
    assert {one.outcome for one in push(registry.client(), current(), dry_run=True)} == {
        "would be registered"
    }
    assert registry.subjects == {}


def test_login_and_content_type_are_sent() -> None:
    registry = Registry()
    today = current()
    one = {events.QuizCompleted.type: today.schemas[events.QuizCompleted.type]}
    list(push(registry.client(), Contracts("one", one, today.delivery)))
    assert registry.asked[0].headers["authorization"].startswith("Basic ")
    assert registry.asked[0].headers["content-type"] == "application/vnd.schemaregistry.v1+json"


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (httpx.Response(409, json={"error_code": 409}), "set the compatibility of this subject to NONE"),
        (httpx.Response(401), "KEPU_REGISTRY_USER"),
        (httpx.Response(404), "check the path of the URL"),
        (httpx.Response(422, text="Invalid\n schema"), r"\(422\): Invalid schema"),
        (httpx.Response(200, text="<html>"), "refuses"),
    ],
    ids=["incompatible", "no login", "no registry", "invalid", "no JSON"],
)
def test_refusal_is_said_in_a_sentence(refusal: httpx.Response, said: str) -> None:
    with pytest.raises(NotRegistered, match=said):
        list(push(Registry(lambda _: refusal).client(), current()))


def test_registry_that_does_not_answer_is_named_without_its_login() -> None:
    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(NotRegistered, match=r"registry\.example does not answer") as refused:
        list(push(Registry(away).client(), current()))
    assert "secret" not in str(refused.value)


def test_release_that_does_not_say_its_topics_is_refused() -> None:
    with pytest.raises(NotRegistered, match="push a later one"):
        list(push(Registry().client(), named("0.2.0")))
