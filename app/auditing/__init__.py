"""Auditing: asks endpoints an audit's prompts, within its ceiling, and keeps what they answer."""
