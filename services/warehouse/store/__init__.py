"""Every SQL statement of the warehouse service, split by what it is about."""
