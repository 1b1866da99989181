"""Pure: from a model name to the request that is sent to OpenRouter."""
