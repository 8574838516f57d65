"""What the services are compared with: the bare minimum of the same work, and what people usually write."""
