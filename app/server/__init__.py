"""The entry of requests: connections, the door, bodies, and Pointsman's own replies."""
