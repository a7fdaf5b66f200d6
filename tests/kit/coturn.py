"""Debian's coturn, started as the project starts it: `coturn/start.sh` with `coturn/turnserver.conf`."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

from tests.kit.ports import free_port

START = Path(__file__).resolve().parents[2] / "coturn" / "start.sh"
MISSING = "" if shutil.which("turnserver") else "coturn is not installed (Debian: coturn)"
READY = 10.0


class Coturn:
    """A relay on 127.0.0.1 as an async context manager.

    `peers`: addresses it relays to although they are private. With `peers` it is also told to allow loopback, which
    nothing but a test on one machine needs.
    """

    def __init__(self, folder: Path, secret: str, *, peers: str = "") -> None:
        self.folder, self.secret, self.peers = folder, secret, peers
        self.port = free_port()

    async def __aenter__(self) -> Coturn:
        self._log = self.folder / f"coturn-{self.port}.log"
        here = {
            "TURN_SECRET": self.secret,
            "TURN_LISTEN": "127.0.0.1",
            "TURN_PORT": str(self.port),
            "TURN_ALLOWED_PEERS": self.peers,
            "TMPDIR": str(self.folder),
        }
        more = ["--allow-loopback-peers"] if self.peers else []
        with self._log.open("wb") as log:
            self.process = await asyncio.create_subprocess_exec(
                "sh",
                str(START),
                *more,
                "--verbose",
                f"--pidfile={self.folder}/coturn-{self.port}.pid",
                f"--userdb={self.folder}/turndb-{self.port}",
                cwd=self.folder,
                env=os.environ | here,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            async with asyncio.timeout(READY):
                while not await self._answers():
                    if self.process.returncode is not None:
                        raise AssertionError(f"coturn ended at once: {self.log}")
                    await asyncio.sleep(0.05)
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True

    async def stop(self) -> None:
        if self.process.returncode is None:
            self.process.terminate()
            await self.process.wait()

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def urls(self, *transports: str) -> list[str]:
        return [f"turn:127.0.0.1:{self.port}?transport={transport}" for transport in transports]
