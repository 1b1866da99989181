"""Judges whether an answer kept the policy."""
