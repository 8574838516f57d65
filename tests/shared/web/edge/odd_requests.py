"""Requests as bytes, sound ones and odd ones; "@" in a path stands for the twin (twins.py)."""

from collections.abc import Iterator
from itertools import product

from shared.web.edge.gate import SINGLE
from shared.web.forms import BODY_BYTES_MAX
from tests.shared.web.edge.twins import FORGED, LIMITS, OLD, TOKEN, UNSIGNED

GOOD = b'{"text": "hello"}'
NO_HOSTS = (
    b"a b",
    b"a/b",
    b"a@b",
    b"<script>",
    b'a"b',
    b"a\\b",
    b"\xe4\xbe\x8b",
    b"a:b",
    b"[::1",
    b"%zz",
)
HOSTS = (b"", b"x", b"kepu.example.org:8000", b"127.0.0.1", b"[::1]:80", b"registration_1", b"a%20b")


H2C = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__")


def line(method: bytes, path: bytes = b"/@/wang/echo", version: bytes = b"HTTP/1.1") -> bytes:
    return b"%b %b %b\r\n" % (method, path, version)


def head(*lines: bytes) -> bytes:
    return b"".join(line + b"\r\n" for line in (b"Host: x", *lines)) + b"\r\n"


def post(
    *lines: bytes, body: bytes = GOOD, path: bytes = b"/@/wang/echo", token: bytes = b"Bearer " + TOKEN
) -> bytes:
    told = (b"Authorization: " + token, b"Content-Length: %d" % len(body), *lines)
    return line(b"POST", path) + head(*told) + body


def chunked(
    *chunks: bytes, lines: tuple[bytes, ...] = (), after: bytes = b"", coding: bytes = b"chunked"
) -> bytes:
    told = (b"Authorization: Bearer " + TOKEN, b"Transfer-Encoding: " + coding, *lines)
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return line(b"POST") + head(*told) + body + b"0\r\n" + after + b"\r\n"


def methods() -> Iterator[bytes]:
    known = b"GET POST PUT PATCH DELETE HEAD OPTIONS TRACE PROPFIND PURGE COPY M-SEARCH CONNECT PRI BREW get"
    for method in known.split():
        yield line(method) + head()
        yield line(method, b"/@/nowhere") + head(b"Content-Length: 2") + b"{}"


def paths() -> Iterator[bytes]:
    found = (
        rb"/@/wang/echo/ /@//echo /@/a/b/echo //@/wang/echo /@/%77ang/echo /@/a%2Fb/echo /@/a%00b/echo"
        rb" /@/a%0A/echo /@/wang/echo%0A /@/%E7%8E%8B/echo /@/%FF/echo /@/wang/ECHO /@/wang/echo;x"
        rb" /@/wang/echo#f /@/a#b/echo /@/wang/echo? /@/wang/echo?x=1 /@/wang/echo?x=1&x=2 /@/wang/echo?%00"
        rb" /@/./echo /@/../echo http://x/@/wang/echo http://evil/@/wang/echo * @/wang/echo /@/a?b/echo"
        rb" /@/%/echo /@/%zz/echo /@/" + b"a" * 1_000 + rb"/echo"
    ).split()
    for path in (*found, "/@/王/echo".encode(), b"/@/a b/echo", b"/@/a\0b/echo"):
        yield line(b"GET", path) + head()
        yield post(path=path)


def doubled() -> Iterator[bytes]:
    value = {b"authorization": b"Bearer " + TOKEN, b"host": b"x", b"content-length": b"17"}
    for name in (*SINGLE, b"cookie", b"accept", b"x-correlation-id"):
        twice = (name + b": " + value.get(name, b"a"),) * 2
        yield line(b"POST") + head(*twice, b"Content-Length: 17") + GOOD
        yield line(b"GET") + head(twice[0], name.upper() + b": b")


def hosts_and_versions() -> Iterator[bytes]:
    for version, host in product(
        (b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"HTTP/0.9", b"HTTP/1.2", b"HTTP/x", b"http/1.1", b""),
        (b"", b"Host: \r\n", b"Host: evil.example\r\n"),
    ):
        yield line(b"GET", version=version) + host + b"\r\n"
    for host in NO_HOSTS:
        yield line(b"GET") + b"Host: " + host + b"\r\n\r\n"
    for connection in (b"close", b"keep-alive", b"Keep-Alive, Foo", b"upgrade", b""):
        yield line(b"GET") + head(b"Connection: " + connection)
        yield line(b"GET", version=b"HTTP/1.0") + head(b"Connection: " + connection)


def lengths() -> Iterator[bytes]:
    for length in (b"-1", b"+17", b"0x11", b"17 ", b"017", b"", b"abc", b"99999999999999999999", b"17,17"):
        yield line(b"POST") + head(b"Authorization: Bearer " + TOKEN, b"Content-Length: " + length) + GOOD
    yield line(b"POST") + head(b"Authorization: Bearer " + TOKEN)
    for size in (BODY_BYTES_MAX, BODY_BYTES_MAX + 1, 4 * BODY_BYTES_MAX, 1_000_000):
        body = b" " * (size - len(GOOD)) + GOOD
        yield post(body=body)
        yield chunked(body)
        yield chunked(*[body[start : start + 1_000] for start in range(0, size, 1_000)])
    yield post(b"Expect: 100-continue", body=b" " * (BODY_BYTES_MAX + 1))
    yield line(b"GET") + head(b"Content-Length: 2") + b"{}"


def heads() -> Iterator[bytes]:
    request = line(b"GET") + head(b"X-Long: ")
    for over in (-1, 0, 1, 10_000, 1_000_000):
        filler = b"a" * (LIMITS.head_bytes_max - len(request) + over)
        yield line(b"GET") + head(b"X-Long: " + filler)
        yield line(b"GET") + head(filler + b": x")
        yield line(b"GET", b"/@/wang/echo?" + filler) + head()
    for count in (99, 100, 5_000):
        yield line(b"GET") + head(*[b"X-%d: a" % number for number in range(count)])
    for odd in (
        b"X Y: a",
        b"X-Y : a",
        b"X-Y: a\r\n folded",
        b"X-Y: a\0b",
        b"X-Y: a\rb",
        b"X-Y: a\nX-Z: b",
        b"no colon",
        b": nothing",
        b"X_Y: a",
        b"X-Y: \xff\xfe",
        b"X-Y:",
        b"Content-Length : 5",
    ):
        yield line(b"GET") + head(odd)
    yield b"\r\n\r\n" + line(b"GET") + head()
    yield (line(b"GET") + head()).replace(b"\r\n", b"\n")
    yield b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
    yield b"\0" * 100
    yield b"hello\r\n\r\n"


def chunks() -> Iterator[bytes]:
    yield chunked(GOOD)
    yield chunked(GOOD[:5], GOOD[5:])
    yield chunked()
    for name in (b"Authorization: Bearer " + FORGED, b"X-Organiser-Key: " + b"x" * 16, b"Content-Length: 3"):
        yield chunked(GOOD, after=name + b"\r\n")
    no_token = line(b"POST") + head(b"Transfer-Encoding: chunked") + b"11\r\n" + GOOD + b"\r\n0\r\n"
    yield no_token + b"Authorization: Bearer " + TOKEN + b"\r\n\r\n"
    yield chunked(GOOD, after=b"X-Long: " + b"a" * 100_000 + b"\r\n")
    yield chunked(GOOD, after=b"X-Y: a\r\n" * 10_000)
    yield chunked(GOOD, lines=(b"Content-Length: 17",))
    started = line(b"POST") + head(b"Authorization: Bearer " + TOKEN, b"Transfer-Encoding: chunked")
    yield started + b"11;a=b\r\n" + GOOD + b"\r\n0\r\n\r\n"
    yield started + b"11;" + b"a" * 100_000 + b"\r\n" + GOOD + b"\r\n0\r\n\r\n"
    for size in (b"zz", b"-1", b"0x11", b"", b"11 ", b"ffffffffffffffffff"):
        yield started + size + b"\r\n" + GOOD + b"\r\n0\r\n\r\n"
    for coding in (
        b"gzip",
        b"gzip, chunked",
        b"gzip,chunked",
        b"chunked, chunked",
        b"identity",
        b"CHUNKED",
        b"xchunked",
    ):
        told = (b"Authorization: Bearer " + TOKEN, b"Transfer-Encoding: " + coding)
        yield line(b"POST") + head(*told) + b"11\r\n" + GOOD + b"\r\n0\r\n\r\n"


def tokens() -> Iterator[bytes]:
    for token in (
        b"",
        b"Bearer",
        b"Bearer ",
        b"bearer " + TOKEN,
        b"Bearer  " + TOKEN,
        b"Bearer " + TOKEN + b" ",
        b"Basic d2FuZw==",
        b"Bearer " + OLD,
        b"Bearer " + FORGED,
        b"Bearer " + UNSIGNED,
        b"Bearer " + TOKEN + b"x",
        b"Bearer " + b"a" * 5_000,
        b"Bearer \xff\xfe",
        b"Bearer a.b.c",
        b"Bearer\t" + TOKEN,
        TOKEN,
    ):
        yield post(token=token)
        # Who may not send anything is told so before the body is looked at.
        yield post(token=token, body=b"{")
    yield line(b"POST") + head(b"Content-Length: 17") + GOOD


def encodings() -> Iterator[bytes]:
    for coding in (b"identity", b"Identity", b"", b"gzip", b"GZIP", b"br", b"identity, gzip", b"x"):
        yield post(b"Content-Encoding: " + coding)
        yield post(b"Content-Encoding: " + coding, token=b"")
        yield line(b"GET") + head(b"Content-Encoding: " + coding)
    yield post(b"Content-Encoding: identity", b"Content-Encoding: gzip")


def bodies() -> Iterator[bytes]:
    types = b"|application/json|Application/JSON|application/json; charset=utf-8|application/json;charset=x"
    more = b"|text/plain|application/x-www-form-urlencoded|multipart/form-data|application/a+json|json;|/"
    for type_ in (types + more + b"|application/jsonx|;").split(b"|"):
        yield post(b"Content-Type: " + type_)
    yield post(b"Content-Type: text/plain", body=b"")
    for body in (
        b"",
        b" ",
        b"{",
        b"[]",
        b"null",
        b"1",
        b'"text"',
        b"{}",
        b'{"text": 1}',
        b'{"text": "a", "text": "b"}',
        b'{"text": "a:b", "text": "a"}',
        b'{"text": "a:b"}',
        b'{"other": {"a": 1, "a": 2}, "text": "a"}',
        b'{"text": "a", "other": 1}',
        b'{"text": "a\\u0000"}',
        b'{"text": "a\0"}',
        b'{"text": "\\ud800"}',
        b'{"text": "\\ud83d\\ude00"}',
        b'{"text": "\xff"}',
        b'\xef\xbb\xbf{"text": "a"}',
        '{"text": "a"}'.encode("utf-16"),
        b"[" * 5_000,
        b'{"text": ' + b"[" * 3_000 + b"]" * 3_000 + b"}",
        b'{"text": NaN}',
        b'{"text": "a", "places": 1.0}',
        b'{"text": "a", "places": "1"}',
        b'{"text": "a", "places": true}',
        b'{"text": "a", "places": 1.5}',
        b'{"text": "a", "places": Infinity}',
        b'{"text": "a", "places": ' + b"9" * 5_000 + b"}",
        b'{"text": "a"} x',
        b'{"text": "full"}',
        b"{" + b",".join(b'"f%d": 1' % number for number in range(500)) + b"}",
    ):
        yield post(body=body)
        yield post(b"Accept-Language: zh-CN,zh;q=0.9,en;q=0.8", body=body)


def connections() -> Iterator[bytes]:
    get = line(b"GET") + head()
    yield get + get
    yield post() + get + post(body=b"{") + get
    yield get + post(token=b"") + b"hello\r\n\r\n"
    yield post() + b"\0\0\0"
    yield get * 20
    yield get + line(b"GET") + head(b"X-Long: " + b"a" * 40_000) + get
    yield get + post(b"Connection: close") + get
    for upgrade in (b"websocket", b"h2c", b"foo"):
        told = (b"Upgrade: " + upgrade, b"Sec-WebSocket-Key: a", b"Sec-WebSocket-Version: 13")
        yield line(b"GET") + head(b"Connection: Upgrade", *told)
        yield post(b"Connection: Upgrade", *told)
        yield line(b"GET") + head(*told)
    # As Java's HttpClient sends its first request.
    for also in (H2C, (*H2C, b"upgrade: websocket"), (*H2C, b"Connection: close")):
        yield post(*also)
        yield post(*also) + get + post(*also, body=b"{") + get
        yield line(b"GET") + head(*also) + get
        yield chunked(GOOD, lines=also)
        yield post(*also, token=b"Bearer " + FORGED)
        yield post(*also, b"Expect: 100-continue")
    for expect in (b"100-continue", b"100-Continue", b"200-ok", b"200-maybe", b"", b"100-continue, 200-ok"):
        yield post(b"Expect: " + expect)
        yield post(b"Expect: " + expect) + get
        yield line(b"GET", version=b"HTTP/1.0") + head(b"Expect: " + expect)
    yield post(b"Expect: 100-continue", b"Expect: 100-continue")
    for correlation in (b"a-request", b"", b"a b", b"a" * 65):
        yield line(b"GET") + head(b"X-Correlation-Id: " + correlation)


GROUPS = (
    methods,
    paths,
    doubled,
    hosts_and_versions,
    lengths,
    heads,
    chunks,
    tokens,
    encodings,
    bodies,
    connections,
)
