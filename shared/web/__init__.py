"""
HTTP: the app that every service is, and what its routes are written with.

Start with `app`. Routes use `forms` (bodies and pages), `identity` (who is asking), `provided` (stores and
use cases) and `problems` (refusals, with their words in `wording`). The few routes with thousands of
requests are declared by `hot_endpoints`. The code in `edge` protects the process from the network.
"""
