"""Every SQL statement of the casework half, split along the domain."""
