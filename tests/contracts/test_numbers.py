"""Every number that comes in has bounds: in all contracts, and in the bodies and queries of all routes."""

import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from services.awards.app import assemble as assemble_awards
from services.notifications.app import assemble as assemble_notifications
from services.quiz.app import assemble as assemble_quiz
from services.registration.app import assemble as assemble_registration
from shared.contracts import events
from shared.contracts.checked import WHOLE_MAX, Count, Ordinal, Whole
from shared.contracts.envelope import Event, Part
from tests.awards import builders as of_awards
from tests.notifications import builders as of_notifications
from tests.quiz import builders as of_quiz
from tests.registration import builders as of_registration

NOWHERE = {"kafka": "127.0.0.1:1", "mongo": "mongodb://127.0.0.1:1"}
APPS = {
    "registration": lambda: assemble_registration(of_registration.settings(**NOWHERE)),
    "quiz": lambda: assemble_quiz(of_quiz.settings(**NOWHERE)),
    "awards": lambda: assemble_awards(of_awards.settings(**NOWHERE)),
    "notifications": lambda: assemble_notifications(of_notifications.settings(**NOWHERE)),
}
# One more than a version may be: released schemas have 2**53.
BEYOND = [2**53 + 1, -(2**53) - 1, 2**63, -(2**63) - 1, 2**64, 10**400]
NO_NUMBERS = ["NaN", "Infinity", "-Infinity", "1e308", "-1e308"]


def unbounded(kind: Any, metadata: tuple[Any, ...], where: str) -> Iterator[str]:
    """The places within a type at which a number has no bound."""
    origin, within = get_origin(kind), get_args(kind)
    if origin is Annotated:
        yield from unbounded(within[0], (*within[1:], *metadata), where)
    elif kind in (int, float):
        if not _bounded(Annotated[(kind, *metadata)] if metadata else kind, kind):
            yield where
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            yield from unbounded(field.annotation, tuple(field.metadata), f"{where}.{name}")
    elif origin in (Union, types.UnionType):
        # The bounds stand on each part, or on the whole.
        for part in within:
            yield from unbounded(part, metadata if part in (int, float) else (), where)
    elif origin is not Literal:
        for part in within:
            if part is not Ellipsis:
                yield from unbounded(part, (), f"{where}[]")


def _bounded(annotated: Any, kind: type) -> bool:
    adapter = TypeAdapter(annotated)
    return not any(_taken(adapter, text) for text in (map(str, BEYOND) if kind is int else NO_NUMBERS))


def _taken(adapter: TypeAdapter[Any], text: str) -> bool:
    try:
        adapter.validate_json(text, strict=True)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("contract", events.ALL, ids=lambda contract: contract.type)
def test_every_number_of_a_contract_has_bounds(contract: type[Event]) -> None:
    assert list(unbounded(contract, (), contract.__name__)) == []


@pytest.mark.parametrize("service", APPS)
def test_every_number_that_a_route_reads_has_bounds(service: str) -> None:
    found: list[str] = []
    seen = 0
    # Hot endpoints are among them: as the document shows them.
    for route in iter_route_contexts(APPS[service]().routes):
        if dependant := getattr(route, "dependant", None):
            for field in [*dependant.body_params, *dependant.query_params]:
                seen += 1
                info = field.field_info
                found += unbounded(info.annotation, tuple(info.metadata), f"{route.path} {field.name}")
    assert seen > 3
    assert found == []


def test_a_number_without_bounds_is_found_wherever_it_stands() -> None:
    class Inner(Part):
        number: int

    class Outer(Part):
        plain: int
        one_side: Annotated[int, Field(ge=0)]
        real: float
        maybe: int | None
        listed: tuple[Inner, ...]
        by_name: dict[str, float]
        fine: Annotated[int, Field(ge=0, le=9)] | None
        whole: Whole
        counts: dict[str, Count] | tuple[Ordinal, ...]
        word: Literal[1, 2]

    assert list(unbounded(Outer, (), "")) == [
        ".plain",
        ".one_side",
        ".real",
        ".maybe",
        ".listed[].number",
        ".by_name[]",
    ]


@pytest.mark.parametrize("kind", [Whole, Count, Ordinal])
def test_a_whole_number_is_taken_up_to_where_readers_agree(kind: Any) -> None:
    adapter = TypeAdapter(kind)
    assert adapter.validate_python(WHOLE_MAX) == WHOLE_MAX
    for beyond in (WHOLE_MAX + 1, -WHOLE_MAX - 1):
        with pytest.raises(ValidationError):
            adapter.validate_python(beyond)
    # What is published stays as it was released.
    assert not {"maximum", "exclusiveMaximum"} & adapter.json_schema().keys()
