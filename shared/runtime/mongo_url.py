"""
MongoDB's address: is it one that the driver takes, and why does a server behind it not answer?

The driver only warns about an option that it does not take, and goes on without: with `tls=yes` it would send
everything in clear. No sentence made here contains the address, since it may contain a password.
"""

import ssl
import warnings
from urllib.parse import parse_qsl, unquote, urlsplit

from pymongo import MongoClient
from pymongo.errors import InvalidURI, PyMongoError
from pymongo.uri_parser import parse_uri

# The driver's words, and what they mean for whoever has set KEPU_MONGO.
_CAUSES = (
    ("certificate verify failed", "the authority of tlsCAFile has not signed its certificate for this host"),
    ("SSL handshake failed", "it refuses TLS: KEPU_MONGO says tls=true, the server may not"),
    # The driver leaves out all servers that belong to another replica set.
    ("servers: []", "no server of KEPU_MONGO is of the replica set that it names"),
    ("connection closed", "it closes the connection: perhaps it wants TLS (tls=true in KEPU_MONGO)"),
    ("Name or service not known", "the name of its host is not known"),
    ("Connection refused", "nobody listens at its port"),
)
_REFUSALS = {
    13: "MongoDB does not let the user of KEPU_MONGO do that: give the user the role readWrite",
    18: "MongoDB refuses the user or the password of KEPU_MONGO, or authSource names another database",
}

_SECRET_OPTIONS = ("password", "properties")


def why_wrong(url: str) -> str | None:
    """Why the driver cannot use this address; None if it can. Nothing is opened."""
    if ("replicaset", "") in [(name.lower(), value) for name, value in _options(url)]:
        return "has no name behind replicaSet="
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        try:
            MongoClient(url, connect=False).close()
        except InvalidURI as error:
            if "escaped" in str(error):
                return "has a user or a password with signs that have to be written as %40 for @, %3A for :"
            return _option_of(url) or _shown(error, url)
        except ssl.SSLError:
            return "names a file without a certificate or a key in PEM"
        except OSError as error:
            return f"names a file that cannot be read: {error.strerror}"
        except (PyMongoError, ValueError, Warning) as error:
            return _option_of(url) or _shown(error, url)
    return None


def shown(url: str) -> str:
    """The address as people may see it: without the user and the password, and without options."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/" if "@" in parts.netloc else url


def refusal(error: PyMongoError) -> str | None:
    """What to do if MongoDB refuses the user; None if this error says something else."""
    return _REFUSALS.get(getattr(error, "code", None) or 0)


def cause(error: PyMongoError) -> str:
    """Why no server answers: in words for what settings can mend, else the kind of the error."""
    text = str(error)
    return next((words for part, words in _CAUSES if part in text), type(error).__name__)


def _option_of(url: str) -> str | None:
    """The first option that the driver does not take, by its name."""
    for name, value in _options(url):
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            try:
                parse_uri(f"mongodb://host/?{name}={value}", validate=True, warn=False)
            except (PyMongoError, ValueError, OSError, Warning):
                return f"has an option that the driver does not take, or not with this value: {name[:40]}"
    return None


def _options(url: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(url).query, keep_blank_values=True)


def _shown(error: Exception, url: str) -> str:
    text, parts = str(error), urlsplit(url)
    options = [value for name, value in _options(url) if name.lower().endswith(_SECRET_OPTIONS)]
    if any(secret and secret in text for secret in (parts.password, unquote(parts.password or ""), *options)):
        return "cannot be used by the driver"
    return f"cannot be used: {text[:200]}"
