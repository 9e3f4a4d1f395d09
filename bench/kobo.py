"""Run the benchmarks of the KoboToolbox client: `kobo.py [clients] [sync] [flatten] [profile] [--quick]`.

Not here: the benchmarks themselves, one module each. Without a name all but `profile` run. `--quick`
takes about a minute: fewer rows and rounds. No account is needed and no row leaves this computer; the
first run of `clients` installs published clients from the package index into `bench/.venv-clients`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import kobo_clients
import kobo_flatten
import kobo_profile
import kobo_sync
from kobo_measure import print_machine

WHOLE: dict[str, Callable[[], None]] = {
    "clients": kobo_clients.main,
    "sync": kobo_sync.main,
    "flatten": kobo_flatten.main,
    "profile": kobo_profile.main,
}
QUICK: dict[str, Callable[[], None]] = {
    "clients": lambda: kobo_clients.main(rounds=1),
    "sync": lambda: kobo_sync.main((1200, 6500), rounds=1),
    "flatten": lambda: kobo_flatten.main(1500, (1500, 6000), rounds=1),
    "profile": lambda: kobo_profile.main(1200),
}


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="|".join(WHOLE))
    parser.add_argument("--quick", action="store_true", help="fewer rows and rounds")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(WHOLE):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    print_machine()
    for name in asked.names or [name for name in WHOLE if name != "profile"]:
        (QUICK if asked.quick else WHOLE)[name]()


if __name__ == "__main__":
    main()
