"""A policy file: its shapes, its reader, and what is wrong in it."""
