"""A real PostgreSQL with a cluster of its own, made in a temporary folder on a free port of 127.0.0.1, gone afterwards.

The server refuses to run as root; root lends it the account that Debian's package makes (or "nobody").
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tests.kit.ports import free_port


def _binaries() -> Path | None:
    """The newest that is installed; Debian does not put them on the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: float(p.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("postgres")
    return Path(on_path).resolve().parent if on_path else None


BIN = _binaries()
MISSING = "" if BIN else "PostgreSQL (Debian: postgresql) is not installed"
CONFIG = """\
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
fsync = off
shared_buffers = 16MB
max_connections = 40
"""


class Postgres:
    """Use as a context manager; `stop` and `start` may be called within, as often as wanted."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Postgres:
        assert BIN is not None
        self.folder = Path(tempfile.mkdtemp(prefix="tandem-postgres-"))
        self._as = _account()
        if self._as:
            os.chown(self.folder, self._as["user"], self._as["group"])
        self._data = self.folder / "data"
        # trust would do, but a password proves that ours is told and not shown
        password = self.folder / "password"
        password.write_text("s3cret/wörd")
        password.chmod(0o644)
        self._run(BIN / "initdb", "-D", self._data, "-U", "tandem", "-E", "UTF8", "--locale=C.UTF-8", "-A",
                  "scram-sha-256", "--pwfile", password, "--no-sync")  # fmt: skip
        (self._data / "postgresql.auto.conf").write_text(CONFIG.format(port=self.port))
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str) -> str:
        return f"postgresql://tandem:s3cret%2Fw%C3%B6rd@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Ready for connections when this returns."""
        assert BIN is not None and self._process is None
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(BIN / "postgres"), "-D", str(self._data)],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                **self._as,
            )  # fmt: skip
        for _ in range(200):
            if self._process.poll() is not None:
                break
            done = subprocess.run([str(BIN / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)], check=False)
            if done.returncode == 0:
                return
            self._process_wait(0.05)
        raise AssertionError(f"PostgreSQL did not start: {(self.folder / 'log').read_text()[-2000:]}")

    def stop(self, how: int = signal.SIGINT) -> None:
        """SIGINT is its "fast" shutdown: clients are cut off. SIGQUIT: at once, as when it crashes."""
        if self._process is not None:
            self.freeze(False)
            self._process.send_signal(how)
            self._process.wait(20)
            self._process = None

    def freeze(self, on: bool) -> None:
        """Let the server hang without going away: it and all its children are stopped, or go on."""
        assert self._process is not None
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                pid, parent = int(status.parent.name), int(status.read_text().rpartition(")")[2].split()[1])
                if self._process.pid in (pid, parent):
                    os.kill(pid, signal.SIGSTOP if on else signal.SIGCONT)
            except (FileNotFoundError, ProcessLookupError):
                continue

    async def make(self, database: str) -> str:
        """A new, empty database; its URL."""
        import asyncpg

        connection = await asyncpg.connect(self.url("postgres"))
        await connection.execute(f'CREATE DATABASE "{database}"')
        await connection.close()
        return self.url(database)

    def _run(self, *command: object) -> None:
        done = subprocess.run(
            [*map(str, command)], cwd=self.folder, capture_output=True, text=True, check=False, **self._as
        )
        assert done.returncode == 0, done.stderr

    def _process_wait(self, seconds: float) -> None:
        try:
            assert self._process is not None
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass


def _account() -> dict[str, Any]:
    """Whom to run it as, as `subprocess` wants it; empty: ourselves."""
    if os.geteuid() != 0:
        return {}
    try:
        them = pwd.getpwnam("postgres")
    except KeyError:
        them = pwd.getpwnam("nobody")
    return {"user": them.pw_uid, "group": them.pw_gid, "extra_groups": []}
