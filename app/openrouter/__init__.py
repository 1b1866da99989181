"""The one room that opens sockets to OpenRouter."""
