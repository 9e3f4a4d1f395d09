"""Run the benchmarks of estimates: `estimate.py [wild] [romano_wolf] [randomisation] [main] [--quick]`.

Not here: the benchmarks themselves, one module `estimate_<name>` each. Without a name all run. The
first run installs published libraries from the package index into `bench/.venv-estimates`.
"""

from __future__ import annotations

import argparse
import os
from importlib import import_module

from estimate_measure import ONE_THREAD
from kobo_measure import print_machine

NAMES = ("wild", "romano_wolf", "randomisation", "main")
PACKAGES = ("numpy", "scipy", "pandas", "statsmodels", "diff-diff")


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="|".join(NAMES))
    parser.add_argument("--quick", action="store_true", help="the small district, one round")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(NAMES):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    os.environ.update(ONE_THREAD)  # read when numpy is imported, which is below
    print_machine(PACKAGES)
    for name in asked.names or NAMES:
        import_module(f"estimate_{name}").run(asked.quick)


if __name__ == "__main__":
    main()
