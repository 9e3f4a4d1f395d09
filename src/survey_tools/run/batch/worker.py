"""The process that makes reports, one after the other, as it is told; its kernels are processes of their own.

Tasks come and results go as lines of JSON. Not here: making one (survey_tools.run.batch.make), or watching
this process (survey_tools.run.batch.supervise).
"""

from __future__ import annotations

import json
import os
import sys
import threading
from queue import SimpleQueue
from typing import Any, TextIO

from survey_tools.run.batch.make import make
from survey_tools.run.batch.task import Task
from survey_tools.run.kernels.forks import ADDRESS, kill_group
from survey_tools.run.kernels.provisioner import CHOICE, NAME
from survey_tools.run.verify.page import verify_page


def serve(tasks: TextIO, answers: TextIO) -> None:
    """Make what comes in, until nothing can come any more.

    Parameters
    ----------
    tasks : file
        Lines of JSON: `task` and `output_mb`.
    answers : file
        Lines of JSON: what `make` tells on the way, and in the end `result`.
    """
    if ADDRESS in os.environ:
        os.environ[CHOICE] = NAME
    waiting: SimpleQueue[str] = SimpleQueue()
    kernels: list[int] = []

    def listen() -> None:
        for line in tasks:
            waiting.put(line)
        _end(kernels)

    threading.Thread(target=listen, daemon=True).start()

    def tell(event: dict[str, Any]) -> None:
        if "kernel" in event:
            kernels[:] = [event["kernel"]] if event["kernel"] else []
        answers.write(json.dumps(event, ensure_ascii=False) + "\n")
        answers.flush()

    while True:
        order = json.loads(waiting.get())
        task = Task(**order["task"])
        tell({"begun": True})
        work = verify_page if task.into else make
        result = work(task, output_mb=order["output_mb"], tell=tell)
        tell({"result": result.to_json()})


def _end(kernels: list[int]) -> None:
    """Leave at once, and take a kernel at work along: whoever asked is gone."""
    for pid in kernels:
        kill_group(pid)
    os._exit(0)


def main() -> None:
    """Serve on standard input and output; what else would print goes to the error stream."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(sys.stdin, answers)


if __name__ == "__main__":
    main()
