"""The gate: what is published says what the code says, and breaks no release."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from ops.contracts import documents as contracts
from ops.contracts.documents import asyncapi, broken, documents, main, outdated, release, schema_of, write
from ops.contracts.releases import NotReleased
from shared.contracts import events, topics

SPECIFICATION = Path(__file__).parent / "vendor" / "asyncapi-3.1.0.json"


def test_published_contracts_are_up_to_date() -> None:
    assert outdated() == [], "run: python -m ops.contracts.documents"


def test_contracts_break_no_release() -> None:
    assert broken() == []


def test_published_schemas_are_valid_json_schemas() -> None:
    for contract in events.ALL:
        Draft202012Validator.check_schema(schema_of(contract))


def test_asyncapi_document_is_valid() -> None:
    specification = Draft7Validator(json.loads(SPECIFICATION.read_text()))
    assert [
        f"{error.json_path}: {error.message[:200]}" for error in specification.iter_errors(asyncapi())
    ] == []


def test_invalid_asyncapi_document_is_noticed() -> None:
    specification = Draft7Validator(json.loads(SPECIFICATION.read_text()))
    document = asyncapi()
    document["operations"]["send-quiz.completed"]["action"] = "shout"
    assert not specification.is_valid(document)


def test_asyncapi_references_resolve() -> None:
    document = asyncapi()
    for reference in references(document):
        found: Any = document
        for step in reference.removeprefix("#/").split("/"):
            assert step in found, f"{reference} leads nowhere"
            found = found[step]


def test_asyncapi_examples_fit_their_schemas() -> None:
    document = asyncapi()
    for contract in events.ALL:
        message = document["components"]["messages"][contract.__name__]
        for example in message["examples"]:
            Draft202012Validator(message["headers"]).validate(example["headers"])
            Draft202012Validator({**document, **message["payload"]}).validate(example["payload"])


def test_asyncapi_has_every_topic_and_reader() -> None:
    document = asyncapi()
    assert set(document["channels"]) == {topic.name for topic in topics.ALL}
    readers = {name for name, operation in document["operations"].items() if operation["action"] == "receive"}
    assert readers == {f"receive-{topic.name}-{group}" for topic in topics.LIVE for group in topic.groups}


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in references(value)]
    if isinstance(node, list):
        return [found for value in node for found in references(value)]
    return []


def test_missing_foreign_and_changed_documents_are_noticed(tmp_path: Path) -> None:
    write(tmp_path)
    assert outdated(tmp_path) == []
    (tmp_path / "asyncapi.json").write_text("{}")
    (tmp_path / "kepu.quiz.closed.v1.schema.json").unlink()
    (tmp_path / "kepu.quiz.opened.v1.schema.json").write_text("{}")
    (tmp_path / "topics.json").unlink()
    (tmp_path / "CHANGELOG.md").write_text("nothing")
    assert outdated(tmp_path) == [
        "kepu.quiz.closed.v1.schema.json is missing",
        "topics.json is missing",
        "kepu.quiz.opened.v1.schema.json belongs to no contract",
        "CHANGELOG.md is out of date",
        "asyncapi.json is out of date",
    ]


def test_writing_anew_removes_what_belongs_to_no_contract_but_no_release(tmp_path: Path) -> None:
    release("0.1.0", tmp_path)
    (tmp_path / "kepu.quiz.opened.v1.schema.json").write_text("{}")
    write(tmp_path)
    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert {name for name in written if not name.startswith("released/")} == set(documents())
    assert len(list((tmp_path / "released" / "0.1.0").glob("*.schema.json"))) == len(events.ALL)


def test_release_is_never_overwritten(tmp_path: Path) -> None:
    release("0.1.0", tmp_path)
    with pytest.raises(NotReleased, match=r"0.1.0 is not above the newest release, 0.1.0"):
        release("0.1.0", tmp_path)


def test_withdrawn_contract_breaks_release(tmp_path: Path) -> None:
    release("0.1.0", tmp_path)
    kept = tuple(contract for contract in events.ALL if contract is not events.QuizClosed)
    [found] = broken(tmp_path, kept)
    assert str(found).startswith(
        "kepu.quiz.closed.v1, against release 0.1.0: was withdrawn; its records and readers stay\n"
        "  breaks: awards, webhooks, readers of other systems\n"
    )


def test_each_release_is_compared_not_only_the_last(tmp_path: Path) -> None:
    for version in ("0.1.0", "0.2.0", "0.10.0"):
        release(version, tmp_path)
    oldest = tmp_path / "released" / "0.1.0" / "kepu.participant.erased.v1.schema.json"
    schema = json.loads(oldest.read_text())
    schema["properties"]["reason"] = {"type": "string"}
    oldest.write_text(json.dumps(schema))
    [found] = broken(tmp_path)
    assert str(found).startswith(
        "kepu.participant.erased.v1, against release 0.1.0: reason was removed or renamed"
    )


def test_command_says_that_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 0
    assert "up to date" in capsys.readouterr().out


def test_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["what"]) == 2
    assert "python -m ops.contracts.documents" in capsys.readouterr().out


def test_published_documents_name_no_place_of_this_machine() -> None:
    assert all(str(contracts.ROOT) not in text for text in documents().values())
