"""A policy file: its shapes, its reader and its checks."""
