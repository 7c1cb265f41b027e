"""Every SQL statement of the notifications service, by what it is about."""
