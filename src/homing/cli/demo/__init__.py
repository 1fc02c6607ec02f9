"""The demo: a receiver with the history of a fleet that never was, and three programs that phone home."""
