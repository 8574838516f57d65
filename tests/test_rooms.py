"""
Every service is built alike: rooms and an app.py that only wires, one unit of work, parts asked for by type.

What may import what is checked by the import rules in pyproject.toml; here is what they cannot see.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SERVICES = Path(__file__).parent.parent / "services"
BESIDE_ROOMS = {"__init__.py", "app.py"}

services = pytest.mark.parametrize(
    "service",
    [
        pytest.param(folder, id=folder.name)
        for folder in sorted(SERVICES.iterdir())
        if (folder / "app.py").is_file()
    ],
)


@services
def test_a_service_has_rooms_and_beside_them_app_py_alone(service: Path) -> None:
    assert {module.name for module in service.glob("*.py")} == BESIDE_ROOMS


@services
def test_every_room_says_what_is_in_it(service: Path) -> None:
    rooms = {module.parent for module in service.glob("*/*.py")}
    assert rooms
    for room in rooms:
        assert ast.get_docstring(ast.parse((room / "__init__.py").read_text())), room


@services
def test_app_py_only_wires(service: Path) -> None:
    assert list(beyond_wiring((service / "app.py").read_text())) == []


@services
def test_nothing_is_done_by_hand_that_all_services_do_in_one_way(
    service: Path,
) -> None:
    found = {module: list(by_hand(module.read_text())) for module in service.rglob("*.py")}
    assert {module: faults for module, faults in found.items() if faults} == {}


def beyond_wiring(source: str) -> Iterator[str]:
    """What an app.py holds beside settings, which check themselves, and functions that wire."""
    module = ast.parse(source)
    of_settings = {id(node) for one in module.body if _are_settings(one) for node in ast.walk(one)}
    for node in ast.walk(module):
        match node:
            case _ if id(node) in of_settings:
                continue
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if node.decorator_list:
                yield f"{name} is decorated, as routes are"
            case ast.ClassDef(name=name):
                yield f"{name} is a class that is no settings"
            case ast.ImportFrom(module="fastapi", names=names):
                yield from (f"fastapi.{one.name} is for rooms" for one in names if one.name != "FastAPI")
            case ast.Attribute(attr="add_api_route" | "include_router" as name):
                yield f"{name} adds routes by hand"


def _are_settings(node: ast.stmt) -> bool:
    bases = node.bases if isinstance(node, ast.ClassDef) else []
    return any(isinstance(base, ast.Name) and base.id.endswith("Settings") for base in bases)


def by_hand(source: str) -> Iterator[str]:
    """What a module does by hand that all services do in one way."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(attr="state", value=ast.Attribute(attr="app")):
                yield "app.state: ask for the part by its type (shared/web/provided.py)"
            case ast.Name(id="HTTPBearer" | "APIKeyHeader" as name):
                yield f"{name}: ask who it is by shared/web/identity.py"
            case ast.Attribute(attr="now" | "utcnow", value=ast.Name(id="datetime")):
                yield "datetime.now: ask shared/runtime/clock.py for the time"
            case ast.Attribute(attr="in_transaction"):
                yield "in_transaction: save state and events by shared/storage/unit_of_work.py"
            case ast.Import(names=names):
                yield from _ways_around({one.name for one in names})
            case ast.ImportFrom(module=str(module), names=names):
                yield from _ways_around({module, *(f"{module}.{one.name}" for one in names)})


def _ways_around(imported: set[str]) -> Iterator[str]:
    for name in sorted(imported & {"shared.storage.outbox", "shared.storage.mongo.in_transaction"}):
        yield f"{name}: save state and events by shared/storage/unit_of_work.py"


@pytest.mark.parametrize(
    "source",
    [
        "from fastapi import APIRouter",
        "@routes.get('/quizzes')\nasync def list_quizzes(): ...",
        "class Clerk: ...",
        "app.add_api_route('/quizzes', list_quizzes)",
    ],
)
def test_what_does_more_than_wire_is_noticed(source: str) -> None:
    assert len(list(beyond_wiring(source))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "import shared.storage.outbox",
        "from shared.storage import mongo, outbox",
        "from shared.storage.outbox import append",
        "from shared.storage.mongo import Database, in_transaction",
        "await mongo.in_transaction(database, work)",
        "store = request.app.state.store",
        "_bearer = HTTPBearer(auto_error=False)",
        "at = datetime.now(UTC)",
    ],
)
def test_what_is_done_by_hand_is_noticed(source: str) -> None:
    assert len(list(by_hand(source))) == 1
