"""How a message leaves the platform: one module per channel. The inbox needs none: its row is the message."""
