"""The failure test: real processes whose parts fail one by one, and an account at the end."""
