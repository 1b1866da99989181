"""What operators watch Pointsman by: Prometheus metrics, and OpenTelemetry where it is wanted."""
