"""
The canonical form of a JSON-LD document: its RDF statements in N-Quads (RDFC-1.0).

Two documents that say the same have the same canonical form. So a signature over this form survives another
order of fields, other white space, and a context that is named in another way.

The library calls its algorithm URDNA2015. RDFC-1.0 differs from that only in how it writes control
characters. So a document with control characters is refused here. It also has to refuse documents that were
made to keep a computer busy for years, so the most expensive step is counted.

Source: W3C, RDF Dataset Canonicalization, sections 4 and 7.1; JSON-LD 1.1
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

from pyld.canon import URDNA2015
from pyld.documentloader.frozen import FrozenDocumentLoader
from pyld.jsonld import JsonLdError, JsonLdProcessor

Json: TypeAlias = dict[str, Any]

VC_CONTEXT = "https://www.w3.org/ns/credentials/v2"
BADGE_CONTEXT = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"
_CONTEXTS = {
    VC_CONTEXT: "credentials-v2.json",
    BADGE_CONTEXT: "open-badges-3.0.3.json",
    "https://purl.imsglobal.org/spec/ob/v3p0/extensions.json": "open-badges-extensions.json",
}
# Comparisons of statements whose subjects have no names. A badge needs none.
COMPARISONS_MAX = 1_000
VALUES_MAX = 20_000
NESTED_MAX = 32
_N_QUADS = "application/n-quads"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class NotCanonical(Exception):
    """The document has no canonical form here; the message says why."""


def canonical(document: Mapping[str, Any]) -> bytes:
    """
    The canonical form.

    Raises:
        NotCanonical: it is no JSON-LD, it names a context that is not among ours, or it is too costly.
    """
    return canonical_and_unsigned(document)[0]


def canonical_and_unsigned(document: Mapping[str, Any]) -> tuple[bytes, list[str]]:
    """
    The canonical form, and the names of fields that no context knows.

    Such a field is no part of the canonical form: anybody can add or change it, and a signature stays right.

    Raises:
        NotCanonical: see `canonical`.
    """
    _check_texts(document)
    unsigned: list[str] = []

    def note(name: str | None) -> None:
        unsigned.append(name or "?")

    try:
        processor = JsonLdProcessor(on_property_dropped=note)
        dataset = processor.to_rdf(dict(document), {"documentLoader": _loader(), "base": ""})
        text: str = _Canonical().main(dataset, {"format": _N_QUADS})
    except (JsonLdError, RecursionError, TypeError, AttributeError, KeyError, ValueError) as error:
        raise NotCanonical(_reason(error)) from error
    return text.encode(), unsigned


def canonical_quads(quads: str) -> str:
    """
    The canonical form of statements in N-Quads.

    Raises:
        NotCanonical: it is too costly.
    """
    dataset = JsonLdProcessor.parse_nquads(quads)
    canonical_form: str = _Canonical().main(dataset, {"format": _N_QUADS})
    return canonical_form


@lru_cache(maxsize=1)
def _loader() -> FrozenDocumentLoader:
    folder = Path(__file__).parent / "contexts"
    return FrozenDocumentLoader(documents={url: folder / name for url, name in _CONTEXTS.items()})


class _Canonical(URDNA2015):  # type: ignore[misc]
    """The library's algorithm, with a bound."""

    def __init__(self) -> None:
        super().__init__()
        self._comparisons = 0

    def hash_n_degree_quads(self, id_: str, issuer: Any) -> Any:
        self._comparisons += 1
        if self._comparisons > COMPARISONS_MAX:
            raise NotCanonical("its unnamed parts look too much alike")
        return super().hash_n_degree_quads(id_, issuer)


def _check_texts(document: Mapping[str, Any]) -> None:
    for count, text in enumerate(_texts(document, 0)):
        if count > VALUES_MAX:
            raise NotCanonical(f"it has more than {VALUES_MAX} values")
        if _CONTROL.search(text):
            raise NotCanonical("it contains control characters")


def _texts(value: object, depth: int) -> Iterator[str]:
    if depth > NESTED_MAX:
        raise NotCanonical(f"it is nested deeper than {NESTED_MAX} levels")
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield str(name)
            yield from _texts(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, depth + 1)
    else:
        yield value if isinstance(value, str) else ""


def _reason(error: Exception) -> str:
    """The first cause: the library wraps errors in errors."""
    while isinstance(error.__cause__, Exception):
        error = error.__cause__
    return str(error).splitlines()[0][:200] or type(error).__name__
