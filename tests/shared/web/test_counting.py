"""The counters of refusals that are there before the first request."""

from prometheus_client import REGISTRY

from ops.documents.settings import assembled
from shared.runtime import metrics
from shared.web.counting import begin_at_zero
from tests.test_roles import SECRETS

# Of one process. Each scrape writes them all.
SERIES_MAX = 1_500


def test_refusals_that_a_route_declares_count_from_zero() -> None:
    begin_at_zero(assembled("registration", SECRETS), [])
    for route, code in (
        ("/registrations", "overloaded"),
        ("/sessions/{session_id}/cancel", "organiser_role"),
        ("unmatched", "head_too_large"),
    ):
        labels = {"route": route, "code": code}
        assert REGISTRY.get_sample_value("kepu_http_problems_total", labels) is not None, labels


def test_a_process_has_a_bounded_number_of_series() -> None:
    for service in ("registration", "quiz", "awards", "notifications"):
        app = assembled(service, SECRETS)
        begin_at_zero(app, [])
        paths = {getattr(route, "path", "") for route in app.routes}
        assert sum(route in paths for route, _ in metrics.PROBLEMS.begun()) < SERIES_MAX
