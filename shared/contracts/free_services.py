"""Events of the free services: places, partners, permits and figures; nothing about a person, nothing in common with a case."""
