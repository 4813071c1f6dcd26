"""``python -m tests.torture``: everything that takes minutes and should be run before a release."""

from __future__ import annotations

import sys

from tests.torture.kill_nightly import main

if __name__ == "__main__":
    sys.exit(main())
