"""Pure: what the bytes mean."""
