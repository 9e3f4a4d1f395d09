"""Run the benchmarks of estimates: `estimate.py [wild] [romano_wolf] [randomisation] [main] [--quick]`.

Not here: the benchmarks themselves, one module `estimate_<name>` each. Without a name all run. The
first run installs published libraries from the package index into `bench/.venv-estimates`.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from importlib.util import find_spec

from kobo_measure import print_machine

NAMES = ("wild", "romano_wolf", "randomisation", "main")


def main() -> None:
    """Run what is asked for."""
    there = [name for name in NAMES if find_spec(f"estimate_{name}")]
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="|".join(there))
    parser.add_argument("--quick", action="store_true", help="the small district, one round")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(there):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    print_machine()
    for name in asked.names or there:
        import_module(f"estimate_{name}").run(asked.quick)


if __name__ == "__main__":
    main()
