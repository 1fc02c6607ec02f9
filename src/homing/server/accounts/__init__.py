"""Owners, their sessions, and the keys of their apps."""
