"""Credentials over HTTP: each award's, in four forms; the status lists; the issuer's DID document."""

import json
from typing import Annotated

from fastapi import Path, Query, Response

from services.awards.credentials import badge
from services.awards.credentials.give import Credentials
from services.awards.credentials.lists import StatusLists
from services.awards.issued.codes import CODE_CHARS_MAX
from services.awards.issued.tries import CountsWrongCodes
from shared.credentials.verify import REVOCATION, SUPERSEDED
from shared.runtime.errors import NotAuthenticated
from shared.web.identity import AsParticipantOrNone
from shared.web.provided import provided
from shared.web.routes import Routes
from shared.web.senders import FromNetwork
from shared.web.tokens import ASK_FOR_TOKEN, Participant

HOLDER_CHARS_MAX = 80
LIST_NUMBER_MAX = 1_000_000
LD_JSON, TEXT, PNG, SVG = "application/ld+json", "text/plain", "image/png", "image/svg+xml"

Giving = Annotated[Credentials, provided(Credentials)]
Lists = Annotated[StatusLists, provided(StatusLists)]
CodeInPath = Annotated[str, Path(max_length=CODE_CHARS_MAX, examples=["KW-7Q2MA-X4D0P"])]
NumberInPath = Annotated[int, Path(ge=0, le=LIST_NUMBER_MAX, examples=[0])]
Holder = Annotated[
    str | None,
    Query(
        max_length=HOLDER_CHARS_MAX,
        pattern="^did:key:z[1-9A-HJ-NP-Za-km-z]+$",
        description="a did:key of the recipient, which the credential names; needs the recipient's token",
        examples=["did:key:z6MkjZRZv3aez3r18pB1RBFJR1kwUVJ5jHt92JmQwXbd5hwi"],
    ),
]

routes = Routes(tags=["credentials"])


@routes.get(
    "/awards/{award_code}/credential",
    dependencies=[CountsWrongCodes],
    summary="The verifiable credential of an award",
    response_class=Response,
    responses={200: {"content": {LD_JSON: {}}}},
)
async def read_credential(
    award_code: CodeInPath,
    who: AsParticipantOrNone,
    credentials: Giving,
    network: FromNetwork,
    holder: Holder = None,
) -> Response:
    """
    Open Badges 3.0 with a Data Integrity proof. What it says and how to check it: docs/credentials.md. It is
    signed anew each time.

    422 `award_code_malformed`, `holder_malformed`; 404 `award_unknown`, `recipient_erased`,
    `credentials_off`; 409 `credential_revoked`, `credential_changed`; 401 `token_missing`, 403
    `holder_not_recipient`; 503 `overloaded` if eight are under way for your network, or for
    the recipient's token.
    """
    _, text = await credentials.signed(award_code, holder, _whose(who, holder), network=network)
    return Response(text, media_type=LD_JSON)


@routes.get(
    "/awards/{award_code}/credential.jwt",
    dependencies=[CountsWrongCodes],
    summary="The verifiable credential of an award, as a token",
    response_class=Response,
    responses={200: {"content": {TEXT: {}}}},
)
async def read_token(
    award_code: CodeInPath,
    who: AsParticipantOrNone,
    credentials: Giving,
    network: FromNetwork,
    holder: Holder = None,
) -> Response:
    """A VC-JWT with the algorithm EdDSA. The same refusals as `/credential`."""
    return Response(
        await credentials.token(award_code, holder, _whose(who, holder), network=network), media_type=TEXT
    )


@routes.get(
    "/awards/{award_code}/badge.png",
    dependencies=[CountsWrongCodes],
    summary="The badge of an award, with its credential in it, as PNG",
    response_class=Response,
    responses={200: {"content": {PNG: {}}}},
)
async def read_png(
    award_code: CodeInPath, who: AsParticipantOrNone, credentials: Giving, network: FromNetwork
) -> Response:
    """The same refusals as `/credential`, without those about a holder."""
    picture = await credentials.badge(award_code, badge.png, _whose(who, None), network=network)
    return Response(picture, media_type=PNG)


@routes.get(
    "/awards/{award_code}/badge.svg",
    dependencies=[CountsWrongCodes],
    summary="The badge of an award, with its credential in it, as SVG",
    response_class=Response,
    responses={200: {"content": {SVG: {}}}},
)
async def read_svg(
    award_code: CodeInPath, who: AsParticipantOrNone, credentials: Giving, network: FromNetwork
) -> Response:
    """The same refusals as `/credential`, without those about a holder."""
    picture = await credentials.badge(award_code, badge.svg, _whose(who, None), network=network)
    return Response(picture, media_type=SVG)


@routes.get(
    "/credentials/status/{number}",
    summary="A status list: which credentials are revoked",
    response_class=Response,
    responses={200: {"content": {LD_JSON: {}}}},
)
async def read_list(number: NumberInPath, credentials: Giving, lists: Lists) -> Response:
    """
    A signed Bitstring Status List (W3C), at most 10 seconds old. 404 `status_list_unknown`,
    `credentials_off`.
    """
    return Response(await lists.read(number, REVOCATION, credentials.keys), media_type=LD_JSON)


@routes.get(
    "/credentials/status/{number}/superseded",
    summary="A status list: which of the revoked credentials have a later one",
    response_class=Response,
    responses={200: {"content": {LD_JSON: {}}}},
)
async def read_superseded(number: NumberInPath, credentials: Giving, lists: Lists) -> Response:
    """
    The same places as in the list. A bit is set if the award is held, but in another version. The refusals
    too are the same.
    """
    return Response(await lists.read(number, SUPERSEDED, credentials.keys), media_type=LD_JSON)


@routes.get(
    "/.well-known/did.json",
    summary="The issuer's DID document: its public keys",
    response_class=Response,
    responses={200: {"content": {LD_JSON: {}}}},
)
async def read_did(credentials: Giving) -> Response:
    """Also the older keys, whose signatures stay valid. 404 `credentials_off`."""
    return Response(_did(credentials), media_type=LD_JSON)


@routes.get(
    "/did.json",
    summary="The same, for an address with a path",
    response_class=Response,
    responses={200: {"content": {LD_JSON: {}}}},
)
async def read_did_below_a_path(credentials: Giving) -> Response:
    """With an address such as https://example.org/awards, did:web looks here. 404 `credentials_off`."""
    return Response(_did(credentials), media_type=LD_JSON)


def _did(credentials: Credentials) -> str:
    return json.dumps(credentials.keys.did_document(), ensure_ascii=False, indent=2)


def _whose(who: Participant | None, holder: str | None) -> str:
    if holder is not None and who is None:
        raise NotAuthenticated(ASK_FOR_TOKEN, code="token_missing")
    return who.participant_id if who else ""
