"""What the child of a fork renews: no thread is left in it that could release what another held.

Imports the standard library.
"""

from __future__ import annotations

import sys
import threading
from functools import cached_property


def renew_cached_properties() -> None:
    """Give the cached properties of our classes new locks; Pythons before 3.12 have one for each."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] != __name__.partition(".")[0]:
            continue
        for cls in [c for c in vars(module).values() if isinstance(c, type)]:
            for attribute in vars(cls).values():
                if isinstance(attribute, cached_property) and hasattr(attribute, "lock"):
                    attribute.lock = threading.RLock()
