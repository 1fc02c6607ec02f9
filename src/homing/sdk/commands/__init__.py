"""The command line that an application embeds, and `python -m homing`."""
