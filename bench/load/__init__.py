"""A compiled HTTP load client, because load from Python would measure Python."""
