"""Pure: from a model name to what OpenRouter will be asked."""
