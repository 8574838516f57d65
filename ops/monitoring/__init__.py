"""A real Prometheus and a real Alertmanager beside a week on this machine, with the rules of `deploy/`."""
