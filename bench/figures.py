"""Collects figures, and prints each with the limit it is held against."""

from typing import Literal


class Figures:
    """Figures by name, in the order in which they were measured."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {}

    def add(self, name: str, value: float, wanted: tuple[Literal["<=", ">="], float], text: str) -> None:
        """Keep a figure and print it on one line."""
        sign, limit = wanted
        good = value <= limit if sign == "<=" else value >= limit
        self.values[name] = round(value, 3)
        print(f"{name:24} {value:10.3f}   {sign} {limit:<8g} {'ok  ' if good else 'MISS'}  {text}", flush=True)

    def note(self, text: str) -> None:
        """Print what belongs to no single figure."""
        print(f"  {text}", flush=True)
