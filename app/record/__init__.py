"""From a request to its receipt."""
