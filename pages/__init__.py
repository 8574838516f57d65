"""What people see in a browser: static files that use the services' public HTTP APIs, and nothing else."""
