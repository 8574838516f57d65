"""
Issuers that are named by a web address: did:web.

Source: W3C CCG, did:web Method Specification, sections 2.2 and 2.5.2
"""

from urllib.parse import quote, urlsplit

WELL_KNOWN = "/.well-known/did.json"
BELOW_A_PATH = "/did.json"


def did_of(url: str) -> str:
    """The did:web of an address. With a path its parts follow the host."""
    parts = urlsplit(url)
    path = [quote(one) for one in parts.path.split("/") if one]
    return ":".join(["did:web", parts.netloc.replace(":", "%3A"), *path])


def document_url(url: str) -> str:
    """Where the DID document of this address is."""
    address = url.rstrip("/")
    return address + (BELOW_A_PATH if urlsplit(address).path else WELL_KNOWN)
