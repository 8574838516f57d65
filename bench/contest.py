"""
The sample contest and its participants: tokens, attempts and answers, all made before the clock runs.

Every run is the same: person number n of a crowd is the same person each time, with the same answers.
"""

import hashlib
import random
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ops.week import files as week
from services.quiz.attempts.rules import attempt_id
from services.quiz.attempts.tokens import AttemptClaims, AttemptTokens
from services.quiz.quizzes.papers import Paper, lay_out, paper_number
from services.quiz.quizzes.rules import Quiz, day_of
from shared.web.tokens import ALGORITHM, ISSUER, TOKEN_DAYS

DISTRICT = "华龙区"
# The quiz is published once, so it has one version.
VERSION = 1
# So long that an attempt made at the start of a line can be submitted at its end.
DURATION_SECONDS = 4 * 3_600
SHEETS_A_PAPER = 8
RIGHT_SHARE = 0.75
# The load client answers at random. With this pass mark most of its participants are awarded all the same.
PASS_MARK_PERCENT = 15


@dataclass(frozen=True, slots=True)
class Sheet:
    """The answers of one attempt, ready to be submitted."""

    attempt_id: str
    participant_id: str
    started_at: datetime
    answers: bytes


@dataclass(slots=True)
class Contest:
    """The quiz of the sample week, open now, with more time for an attempt."""

    quiz_id: str
    quiz: Quiz
    _papers: dict[int, Paper] = field(default_factory=dict)
    _sheets: dict[int, list[bytes]] = field(default_factory=dict)

    @classmethod
    def of_now(cls) -> "Contest":
        """The sample's quiz, opened an hour ago, which shows its scores at once."""
        sample = week.read()
        now = datetime.now(UTC)
        definition = sample.quiz | {
            "opens_at": (now - timedelta(hours=1)).isoformat(),
            "closes_at": (now + timedelta(days=8)).isoformat(),
            "duration_seconds": DURATION_SECONDS,
            # Results are measured on their way to awards and inboxes.
            "shows_scores": "at_once",
        }
        return cls(sample.quiz_id, Quiz.model_validate(definition))

    def paper(self, number: int) -> Paper:
        """The paper of this number, laid out once."""
        if number not in self._papers:
            self._papers[number] = lay_out(self.quiz_id, self.quiz, number)
        return self._papers[number]

    def keys(self) -> dict[int, list[tuple[str, str, bool]]]:
        """The key of every paper, for a grader that cannot import the quiz service."""
        return {
            number: [(one.question_id, one.key, one.several) for one in self.paper(number).key]
            for number in range(self.quiz.papers)
        }

    def sheets(self, crowd: str, count: int) -> Iterator[Sheet]:
        """The first `count` sheets of a crowd, started a minute ago. Another crowd is other people."""
        started_at = datetime.now(UTC) - timedelta(minutes=1)
        started_at = started_at.replace(microsecond=started_at.microsecond // 1000 * 1000)
        day = day_of(self.quiz, started_at)
        for number in range(count):
            person = person_of(crowd, number)
            attempt = attempt_id(self.quiz_id, person, day, 1)
            yield Sheet(attempt, person, started_at, self._answers(attempt, number))

    def record(self, sheet: Sheet, submitted_at: datetime) -> bytes:
        """The value of `quiz.submitted`, as intake writes it."""
        return (
            b'{"attempt_id":"%b","quiz_id":"%b","participant_id":"%b","number":1,"started_at":"%b",'
            b'"submitted_at":"%b","answers":%b,"district":"%b","quiz_version":%d}'
        ) % (
            sheet.attempt_id.encode(),
            self.quiz_id.encode(),
            sheet.participant_id.encode(),
            _time(sheet.started_at),
            _time(submitted_at),
            sheet.answers,
            DISTRICT.encode(),
            VERSION,
        )

    def submissions(self, crowd: str, count: int, tokens: AttemptTokens) -> Iterator[bytes]:
        """Complete HTTP requests that submit the sheets of a crowd."""
        for sheet, token in self._signed(crowd, count, tokens):
            body = b'{"answers":' + sheet.answers + b"}"
            yield http_request(f"/attempts/{sheet.attempt_id}/submission", body, bearer=token)

    def saves(self, crowd: str, count: int, tokens: AttemptTokens) -> Iterator[bytes]:
        """Complete HTTP requests that save the sheets of a crowd."""
        for sheet, token in self._signed(crowd, count, tokens):
            body = b'{"answers":' + sheet.answers + b',"revision":1}'
            yield http_request(f"/attempts/{sheet.attempt_id}/answers", body, bearer=token, method="PUT")

    def _signed(self, crowd: str, count: int, tokens: AttemptTokens) -> Iterator[tuple[Sheet, bytes]]:
        """The sheets of a crowd, each with its attempt token."""
        for sheet in self.sheets(crowd, count):
            started_ms = round(sheet.started_at.timestamp() * 1000)
            claims = AttemptClaims(
                sheet.attempt_id,
                self.quiz_id,
                sheet.participant_id,
                1,
                started_ms,
                started_ms + DURATION_SECONDS * 1000,
                None,
                DISTRICT,
                VERSION,
            )
            yield sheet, tokens.sign(claims).encode()

    def bare_submissions(self, crowd: str, count: int) -> Iterator[bytes]:
        """The same for an endpoint that looks at nothing: the body is the whole record."""
        for sheet in self.sheets(crowd, count):
            body = self.record(sheet, sheet.started_at + timedelta(seconds=30))
            yield http_request(f"/attempts/{sheet.attempt_id}/submission", body)

    def _answers(self, attempt: str, number: int) -> bytes:
        paper = paper_number(attempt, self.quiz.papers)
        if paper not in self._sheets:
            chance = random.Random(paper)  # noqa: S311 (made-up answers)
            self._sheets[paper] = [self._filled_in(paper, chance) for _ in range(SHEETS_A_PAPER)]
        return self._sheets[paper][number % SHEETS_A_PAPER]

    def _filled_in(self, paper: int, chance: random.Random) -> bytes:
        answers = {
            one.question_id: one.key if chance.random() < RIGHT_SHARE else chance.choice("ABCD")
            for one in self.paper(paper).key
        }
        return msgspec.json.encode(answers)


def person_of(crowd: str, number: int) -> str:
    """Person `number` of a crowd: an id as others may give it, spread over all ids, which costs most."""
    return str(UUID(bytes=hashlib.blake2b(f"{crowd}/{number}".encode(), digest_size=16).digest(), version=4))


def http_request(
    path: str, body: bytes, *, bearer: bytes = b"", more: bytes = b"", method: str = "POST"
) -> bytes:
    """A complete HTTP request. `more` are further header lines, each with its line end."""
    authorization = b"Authorization: Bearer " + bearer + b"\r\n" if bearer else b""
    head = b"%b %b HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n" % (
        method.encode(),
        path.encode(),
    )
    return b"%b%b%bContent-Length: %d\r\n\r\n%b" % (head, authorization, more, len(body), body)


@dataclass(slots=True)
class Signer:
    """
    Makes the tokens of participants as `shared.web.tokens.TokenSigner` does, but 100,000 of them quickly.

    What all tokens have in common is encoded once. bench/tests/test_measuring.py proves that they verify.
    """

    private_key_pem: str

    def sign(self, people: Iterator[str]) -> Iterator[str]:
        """A token for each person."""
        key = load_pem_private_key(self.private_key_pem.replace("\\n", "\n").encode(), password=None)
        assert isinstance(key, Ed25519PrivateKey)
        head = _base64(msgspec.json.encode({"alg": ALGORITHM, "typ": "JWT"})) + b"."
        now = datetime.now(UTC)
        for person in people:
            claims = {
                "iss": ISSUER,
                "sub": person,
                "iat": int(now.timestamp()),
                "exp": int((now + timedelta(days=TOKEN_DAYS)).timestamp()),
                "district": DISTRICT,
            }
            signed = head + _base64(msgspec.json.encode(claims))
            yield (signed + b"." + _base64(key.sign(signed))).decode()


def _base64(text: bytes) -> bytes:
    return urlsafe_b64encode(text).rstrip(b"=")


def _time(moment: datetime) -> bytes:
    return moment.isoformat().replace("+00:00", "Z").encode()
