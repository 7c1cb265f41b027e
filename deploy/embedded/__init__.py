"""The platform on one Linux machine without Docker: PostgreSQL, a broker and the services as supervised processes."""
