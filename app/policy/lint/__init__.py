"""Finds parts of a policy that will not do what they seem to say."""
