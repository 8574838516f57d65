"""A compiled HTTP load client: a client in Python would be slower than the services."""
