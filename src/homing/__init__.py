"""Homing: telemetry for software that runs on other people's machines."""

__all__ = ["__version__"]

__version__ = "0.1.0"
