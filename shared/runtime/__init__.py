"""What every process stands on: settings, logs, metrics, clock, errors, ids, background work."""
