"""Pure: what OpenRouter offers."""
