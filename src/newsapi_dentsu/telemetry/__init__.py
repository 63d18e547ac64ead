"""A run's figures for whoever watches many systems: OpenTelemetry, Azure Monitor."""
