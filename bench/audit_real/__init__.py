"""A real small language model behind endpoints that are quantized for real (docs/audit.md)."""
