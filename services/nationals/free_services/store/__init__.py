"""SQL of this compartment; nothing else reads or writes its tables."""
