"""PURE: what other tools' files say about providers, as a policy file of ours."""
