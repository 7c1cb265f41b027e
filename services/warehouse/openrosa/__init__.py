"""OpenRosa 1.0: what ODK Collect sends, read into the same command as everything else, and what it is shown."""
