"""The HTTP API: reports, signing in, and what administrators watch."""
