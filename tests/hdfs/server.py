"""A NameNode and a DataNode in a folder of their own, on ports of their own."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import hdfs_native
import pyspark

from lakehouse.jars import faulty_jars, locked_jars
from lakehouse.session import java_home
from lakehouse.settings import Settings

BESIDE = ("hadoop-client-api", "hadoop-client-runtime", "log4j-core", "log4j-1.2-api", "log4j-api", "slf4j-api")
BESIDE_TOO = ("log4j-slf4j2-impl", "jcl-over-slf4j")
ATTEMPTS = 120


def is_installed(settings: Settings) -> bool:
    """Whether the jar of the servers has been fetched."""
    return not faulty_jars(settings.jars_dir, locked_jars("hdfs"))


class HdfsServer:
    """The two servers, ready once made."""

    def __init__(self, settings: Settings) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="hdfs-"))
        names = ("fs", "http", "data", "data_http", "data_ipc")
        self._ports = dict(zip(names, _free_ports(len(names)), strict=True))
        self._servers: list[subprocess.Popen[bytes]] = []
        self._configure()
        jars = [settings.jars_dir / jar.file_name for jar in locked_jars("hdfs")]
        sparks = Path(pyspark.__file__).parent / "jars"
        jars += [next(sparks.glob(f"{name}-[0-9]*.jar")) for name in (*BESIDE, *BESIDE_TOO)]
        self._class_path = ":".join(map(str, (self._folder, *jars)))
        self._java = str((java_home() or Path("/usr")) / "bin" / "java")
        try:
            subprocess.run(
                self._command("namenode.NameNode", "-format", "-nonInteractive"), check=True, **self._said("format")
            )
            for name in ("namenode.NameNode", "datanode.DataNode"):
                self._servers.append(subprocess.Popen(self._command(name), **self._said(name)))
            self._await()
        except BaseException:
            self.stop()
            raise

    @property
    def address(self) -> str:
        """The file system, as `LAKEHOUSE_STORAGE` begins."""
        return f"hdfs://127.0.0.1:{self._ports['fs']}"

    def stop(self) -> None:
        """End both and remove their folder."""
        for server in self._servers:
            server.kill()
            server.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _configure(self) -> None:
        (self._folder / "data").mkdir(mode=0o700)
        ports = self._ports
        values = {
            "dfs.namenode.name.dir": self._folder / "name",
            "dfs.datanode.data.dir": self._folder / "data",
            "dfs.replication": 1,
            "dfs.permissions.enabled": "false",
            "dfs.namenode.safemode.extension": 0,
            "dfs.namenode.metrics.logger.period.seconds": 0,  # else both die: NoClassDefFoundError Log4JLogger
            "dfs.datanode.metrics.logger.period.seconds": 0,
            "dfs.namenode.datanode.registration.ip-hostname-check": "false",
            "dfs.namenode.http-address": f"127.0.0.1:{ports['http']}",
            "dfs.datanode.address": f"127.0.0.1:{ports['data']}",
            "dfs.datanode.http.address": f"127.0.0.1:{ports['data_http']}",
            "dfs.datanode.ipc.address": f"127.0.0.1:{ports['data_ipc']}",
        }
        _write(self._folder / "core-site.xml", {"fs.defaultFS": self.address})
        _write(self._folder / "hdfs-site.xml", values)

    def _command(self, name: str, *given: str) -> list[str]:
        return [self._java, "-Xmx256m", "-cp", self._class_path, f"org.apache.hadoop.hdfs.server.{name}", *given]

    def _said(self, name: str) -> dict[str, object]:
        log = open(self._folder / f"{name}.log", "wb")  # noqa: SIM115 - the server writes there until it ends
        return {"stdout": log, "stderr": log}

    def _await(self) -> None:
        for attempt in range(ATTEMPTS):
            if any(server.poll() is not None for server in self._servers):
                break
            try:
                client = hdfs_native.Client(self.address)
                # Of a name of its own: what fails for want of a DataNode leaves a file that is still being written.
                with client.create(f"/ready-{attempt}") as file:
                    file.write(b"yes")
                return
            except Exception:  # not up, in safe mode, or without a DataNode yet
                time.sleep(0.5)
        told = "\n".join(log.read_text(errors="replace")[-1000:] for log in self._folder.glob("*.log"))
        raise RuntimeError(f"HDFS did not become ready:\n{told}")


def _write(path: Path, values: dict[str, object]) -> None:
    told = "".join(f"<property><name>{name}</name><value>{value}</value></property>" for name, value in values.items())
    path.write_text(f"<configuration>{told}</configuration>")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports
