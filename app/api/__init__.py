"""Surfaces that callers see. FastAPI is used here and nowhere deeper."""
