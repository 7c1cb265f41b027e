"""The complaints office: its own records, which no caseworker sees (safeguard 14)."""
