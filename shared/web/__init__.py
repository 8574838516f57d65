"""
HTTP: the app that every service is, and what its routes are written with.

Start with `app`. Routes use `forms` (bodies and pages), `identity` (who is asking), `provided` (stores and
use cases) and `problems` (refusals, with their words in `wording`). The few routes that come by the thousand
are declared by `hot_endpoints`. What guards the process against the network is in `edge`.
"""
