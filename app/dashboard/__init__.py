"""Read-only pages over the ledger and the policies, for people with a browser."""
