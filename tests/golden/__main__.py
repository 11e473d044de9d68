"""`python -m tests.golden` writes every golden file anew; read the difference before you commit it."""

from __future__ import annotations

from tests.golden.test_golden import FILES, write

if __name__ == "__main__":
    changed = write()
    print(f"{len(changed)} of {len(list(FILES.glob('*.txt')))} files changed: {', '.join(changed) or 'none'}")
