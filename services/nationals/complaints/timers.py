"""Due timers. Each one calls a handler."""
