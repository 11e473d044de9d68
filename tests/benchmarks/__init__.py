"""Timings side by side: `python -m tests.benchmarks` (the extra `bench` installs the peers).

Everyone gets one thread: thread pools that spin between calls would disturb their neighbours' rounds.
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
