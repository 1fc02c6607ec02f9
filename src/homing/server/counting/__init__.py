"""Exact counting with sets of ordinals. Pure: no clock, no disk, no network."""
