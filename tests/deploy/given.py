"""What the services require and know: what a deployment is compared with."""

from importlib import import_module

from ops.deployment.keys import COMMON, NEEDED
from shared.runtime.settings import Settings
from shared.runtime.variables import variable, variables_of

SERVICES = ("registration", "quiz", "awards", "notifications")
# Given by somebody else than `kepu keys`.
OF_OTHERS = ("KEPU_MONGO", "KEPU_SMTP_PASSWORD", "KEPU_SMS_KEY")


def settings_of(service: str) -> type[Settings]:
    """The settings class that the service's app.py declares."""
    app = import_module(f"services.{service}.app")
    found = [
        kind
        for kind in vars(app).values()
        if isinstance(kind, type) and issubclass(kind, Settings) and kind.__module__ == app.__name__
    ]
    assert len(found) == 1, found
    return found[0]


def known_to(service: str) -> set[str]:
    """The variables that a service reads, those that name files too."""
    return set(variables_of(settings_of(service).model_fields))


def required_by(service: str) -> set[str]:
    """The variables without which a service does not start."""
    fields = settings_of(service).model_fields
    return {variable(name) for name, field in fields.items() if field.is_required()}


def secrets_of(service: str) -> set[str]:
    """The secrets that a service may get."""
    return {*COMMON, *NEEDED[service], *OF_OTHERS} & known_to(service)
