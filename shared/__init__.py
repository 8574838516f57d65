"""
What all services share, a room for each purpose. Start with `service`: the one way to wire a service.

Rooms use only those below them. From the top: `web` (HTTP) and `storage` (MongoDB), `messaging` (Kafka),
`contracts` (events and topics), `runtime` (settings, logs, errors).
"""
