"""Where a week that runs on this machine can be reached: what kepu up and kepu demo --keep print."""

from ops.commands.terminal import tell
from ops.local.edge import EDGE
from ops.local.reviewer import reviewer_key
from ops.local.services import Services
from shared.runtime import mongo_url


def print_addresses(services: Services) -> None:
    """Print all addresses with the keys of two organisers, and a first request."""
    tell("\nEverything runs:")
    if services.with_pages:
        tell(f"  pages          {services.url(EDGE)}")
        # To the one who has just made it, on one's own machine.
        tell(f"  for organisers {services.url(EDGE)}/organise   key {services.apis.organiser_key}")
        if second := reviewer_key(services.home):
            tell(f"  a second one   {services.url(EDGE)}/organise   key {second}")
            tell("                 (nobody reviews the questions that they have written themselves)")
    for part in services.parts:
        url = services.url(part.name)
        documented = f"API {url}/docs   " if part.role != "worker" else ""
        tell(f"  {part.name:14} {documented}metrics {url}/metrics")
    tell(f"  Kafka          {services.stack.kafka}")
    tell(f"  MongoDB        {mongo_url.shown(services.stack.mongo)}")
    shown = f", or {services.url(EDGE)}/mail" if services.with_pages else ""
    tell(f"  mails          {services.mail_file}{shown}")
    tell("  SMS            none: no gateway is configured, so phone numbers are refused")
    tell(f"  secrets        {services.home / 'secrets.json'}")
    tell("\nFor a shell:")
    variables = (
        f"{part.name.upper()}={services.url(part.name)}" for part in services.parts if part.role != "worker"
    )
    tell(f"  {'  '.join(variables)}")
    tell("\nA first request:")
    tell(f"  curl {services.url('registration')}/activities")
