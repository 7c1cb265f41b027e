"""Every use case of this compartment: ``async def verb_noun(message, tx)``."""
