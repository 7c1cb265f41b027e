"""The cryptography of the contact vault: a data key per household, wrapped by a master key that is never in the database."""
