"""The process that `warm.WarmServer` starts: import what notebooks import, then fork kernels.

It imports and never computes, so no thread pool is alive when it forks. Run as a file, so that no package
is imported before `_import_all` has its say.
"""

from __future__ import annotations

import builtins
import importlib
import json
import os
import random
import signal
import sys
from types import SimpleNamespace
from typing import Any

IMPORTS = (
    "numpy",
    "pandas",
    "pyarrow.parquet",
    "matplotlib.figure",
    "matplotlib.pyplot",
    "seaborn",
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
    "pandera.strategies.pandas_strategies",
    "pandera.backends.pandas.builtin_checks",
    "matplotlib.backends.backend_agg",
    "pandas.io.formats.style",
    "survey_tools.report.figures",
    "survey_tools.report.sentences",
    "survey_tools.report.page",
)

INLINE = "module://matplotlib_inline.backend_inline"


def main() -> None:
    """Read a request a line from standard input, fork, and answer with the child's number."""
    requests, answers = sys.stdin, os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    _import_all()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = os.getpid()
    for line in requests:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            answers.close()
            _become_kernel(request, parent)
        answers.write(f"{pid}\n")
        answers.flush()


def _import_all() -> None:
    """Import as a kernel would: pandas asks whether it is in one, matplotlib which backend to take."""
    os.environ["MPLBACKEND"] = INLINE
    builtins.get_ipython = lambda: SimpleNamespace(kernel=True)  # type: ignore[attr-defined]
    importlib.import_module("pandas")
    del builtins.get_ipython  # type: ignore[attr-defined]
    for name in IMPORTS:
        importlib.import_module(name)


def _become_kernel(request: dict[str, Any], parent: int) -> None:
    """Turn this child into an IPython kernel and never return."""
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.environ.clear()
        os.environ.update(request["env"] | {"MPLBACKEND": INLINE})
        os.chdir(request["cwd"])
        _draw_afresh()
        from ipykernel.kernelapp import IPKernelApp

        app = IPKernelApp.instance()
        app.initialize([*request["arguments"], f"--IPKernelApp.parent_handle={parent}"])
        app.start()
        code = 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _draw_afresh() -> None:
    """Give this child random numbers of its own: siblings are copies of one process."""
    import numpy as np

    random.seed()
    np.random.seed()


if __name__ == "__main__":
    main()
