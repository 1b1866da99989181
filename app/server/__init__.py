"""How a request gets in: connections, the door, bodies, replies of our own."""
