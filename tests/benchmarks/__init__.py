"""Timings side by side: `python -m tests.benchmarks` (the extra `bench` installs the peers)."""
