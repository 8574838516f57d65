"""
Ed25519 public keys as text: `z6Mk…`, as in DID documents and in did:key.

Source: W3C, Controlled Identifiers 1.0, sections 2.2.2 (Multikey) and 2.4 (base-58-btc)
"""

from nacl.signing import VerifyKey

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
# Of a key or a signature.
TEXT_CHARS_MAX = 128
KEY_BYTES = 32
_PREFIX = "z"
_ED25519 = b"\xed\x01"
_DID_KEY = "did:key:"
_VALUES = {symbol: value for value, symbol in enumerate(BASE58)}


def base58_text(content: bytes) -> str:
    """`z`, and the bytes in base 58."""
    number, symbols = int.from_bytes(content), ""
    while number:
        number, symbol = divmod(number, len(BASE58))
        symbols = BASE58[symbol] + symbols
    zeros = len(content) - len(content.lstrip(b"\0"))
    return _PREFIX + BASE58[0] * zeros + symbols


def base58_bytes(text: str) -> bytes:
    """
    The bytes of such a text.

    Raises:
        ValueError: it is none, or is too long.
    """
    if not text.startswith(_PREFIX) or not 1 < len(text) <= TEXT_CHARS_MAX:
        raise ValueError("not a text in base 58 that begins with z")
    symbols, number = text[len(_PREFIX) :], 0
    for symbol in symbols:
        if symbol not in _VALUES:
            raise ValueError("not a text in base 58 that begins with z")
        number = number * len(BASE58) + _VALUES[symbol]
    zeros = len(symbols) - len(symbols.lstrip(BASE58[0]))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8)


def multikey(public_key: bytes) -> str:
    """A public key as text."""
    return base58_text(_ED25519 + public_key)


def public_key_of(text: str) -> bytes:
    """
    The public key of such a text.

    Raises:
        ValueError: it is no Ed25519 key.
    """
    content = base58_bytes(text)
    if content[: len(_ED25519)] != _ED25519 or len(content) != len(_ED25519) + KEY_BYTES:
        raise ValueError("not an Ed25519 key")
    key = content[len(_ED25519) :]
    VerifyKey(key)
    return key


def public_key_of_did_key(did: str) -> bytes:
    """
    The public key of a did:key, with or without a fragment.

    Raises:
        ValueError: it is no did:key of an Ed25519 key.
    """
    name, _, fragment = did.partition("#")
    key = name.removeprefix(_DID_KEY)
    if key == name or fragment not in ("", key):
        raise ValueError("not a did:key")
    return public_key_of(key)
