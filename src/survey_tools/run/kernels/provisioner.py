"""Start kernels by forking a process that has its imports done, for whoever starts kernels by jupyter_client.

An entry point of `jupyter_client.kernel_provisioners`, chosen by the environment variable
`JUPYTER_DEFAULT_PROVISIONER_NAME=survey-tools-fork`; papermill, nbclient, nbval and JupyterLab need no
change, and without the variable nothing is different. Not here: forking (survey_tools.run.kernels.forks).
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from survey_tools.run.kernels.forks import Forked, fork, kernel_arguments, server_address

NAME = "survey-tools-fork"
CHOICE = "JUPYTER_DEFAULT_PROVISIONER_NAME"


class ForkProvisioner(LocalProvisioner):
    """Fork the kernel where that is safe; otherwise start it as `LocalProvisioner` does.

    In the ordinary way start: kernels of another language or interpreter, everything where there is no pidfd
    (macOS, Windows), with `SURVEY_TOOLS_FORK=0`, and when the server does not answer.
    """

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Start the kernel and return how to connect to it."""
        arguments, address = kernel_arguments(cmd), server_address()
        forked = None
        if arguments is not None and address is not None:
            # the server may still be importing
            forked = await asyncio.to_thread(self._fork, address, arguments, **kwargs)
        if forked is None:
            return await super().launch_kernel(cmd, **kwargs)
        self.process: Any = forked
        self.pid = self.pgid = forked.pid
        self.cwd = kwargs.get("cwd") or Path.cwd()
        return self.connection_info

    async def wait(self) -> int | None:
        """Wait for the kernel's end, without asking for it ten times a second."""
        if not isinstance(self.process, Forked):
            return await super().wait()
        process = self.process
        while (code := process.poll()) is None:
            await asyncio.sleep(0.005)
        self.process = None
        return code

    async def send_signal(self, signum: int) -> None:
        """Signal a forked kernel and its group, unless it has ended."""
        if isinstance(self.process, Forked):
            self.process.send_signal(signum)
        else:
            await super().send_signal(signum)

    @staticmethod
    def _fork(address: str, arguments: list[str], **kwargs: Any) -> Forked | None:
        env = kwargs.get("env")
        words: Any = kwargs.get("stderr")
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            return fork(
                address,
                "kernel",
                env=dict(os.environ if env is None else env),
                cwd=str(kwargs.get("cwd") or Path.cwd()),
                fds=[words.fileno() if hasattr(words, "fileno") else nowhere],
                arguments=arguments,
            )
        finally:
            os.close(nowhere)
