"""The only room that opens sockets to OpenRouter."""
