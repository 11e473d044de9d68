"""Golden files: what the compiler writes for some fifty functions, read and judged as text.

`python -m tests.golden` writes the files anew; `git diff tests/golden` then shows, line by line, what a
change of the compiler does to the code that users read.
"""
