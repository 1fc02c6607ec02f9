"""Benchmarks: ratios and times measured in one run, on this machine. `scripts/bench --help` lists them."""
