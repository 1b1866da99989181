"""The hot path: what is done with a request for OpenRouter."""
