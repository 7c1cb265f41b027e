"""Free services to authorised nationals: centres, partners, work permits. All of it is free of charge, and names nobody."""
