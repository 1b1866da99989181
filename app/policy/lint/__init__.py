"""What a policy says that will not do what it seems to say."""
