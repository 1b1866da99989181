"""Surfaces: what the caller sees. FastAPI lives here and nowhere deeper."""
