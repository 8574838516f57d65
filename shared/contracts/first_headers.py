"""Headers of events that follow from no other event, such as submissions: there are thousands a second."""

from datetime import datetime

from shared.contracts.envelope import CONTENT_TYPE, Headers, written_time

_VERSION, _CONTENT_TYPE = ("ce_specversion", b"1.0"), ("content-type", CONTENT_TYPE)


class FirstHeaders:
    """The headers of events of one type and source, made in half the time of `to_headers`."""

    def __init__(self, source: str, type_: str) -> None:
        self._source, self._type = ("ce_source", source.encode()), ("ce_type", type_.encode())

    def of(self, id_: str, subject: bytes, time: datetime, correlation_id: str, traceparent: str) -> Headers:
        """What `to_headers` gives for a context of these parts."""
        return [
            _VERSION,
            ("ce_id", id_.encode()),
            self._source,
            self._type,
            ("ce_time", written_time(time)),
            ("ce_subject", subject),
            ("ce_correlationid", correlation_id.encode()),
            _CONTENT_TYPE,
            ("traceparent", traceparent.encode()),
        ]
