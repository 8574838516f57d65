"""Parameters in paths and query strings are checked where they enter, like all other texts."""

from ops.documents.settings import assembled
from tests.test_roles import SECRETS, routes, services

# What a database, a log or a page cannot bear: a NUL, a line end, a text that cannot be seen.
NASTY = ("a\0b", "a\nb", "\u200b")
# The route itself refuses a cursor that it has not given, and reads codes that people have typed.
READ_BY_THE_ROUTE = {"after", "award_code", "consent_code", "hall_code"}


@services
def test_no_parameter_takes_a_text_with_control_characters(service: str) -> None:
    taken = [
        (name, field.alias, nasty)
        for name, route in routes(assembled(service, SECRETS))
        for field in (*route.dependant.query_params, *route.dependant.path_params)
        if field.alias not in READ_BY_THE_ROUTE
        for nasty in NASTY
        if not field.validate(nasty, {}, loc=("query", field.alias))[1]
    ]
    assert taken == []
