"""MongoDB: the client and its transactions, and the outbox that leaves it."""
