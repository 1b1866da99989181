"""PURE: convert the provider settings in other tools' files into a Pointsman policy file."""
