"""Monitoring for operators: Prometheus metrics, and OpenTelemetry if it is enabled."""
