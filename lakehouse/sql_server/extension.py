"""The server's own part of Spark: `scala/*.scala`, compiled once into a jar by the Scala compiler that pyspark ships.

`python -m lakehouse.sql_server.extension` makes it where it is missing: at the build of an image, or by hand; on a
laptop the first `lakehouse sql-server` does. The jar's name has the digest of the sources: a changed source makes
another.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from lakehouse.builds import files_digest
from lakehouse.errors import LakehouseError
from lakehouse.session import java_home
from lakehouse.settings import Settings, load_settings

SOURCES = Path(__file__).with_name("scala")


def extension_jar(settings: Settings) -> Path:
    """Where the jar of the sources as they are is, or will be."""
    digest = files_digest(SOURCES.glob("*.scala"), SOURCES)
    return settings.jars_dir / "sql" / f"lakehouse-sql-{digest[:16]}.jar"


def make_extension(settings: Settings) -> Path:
    """The jar, compiled where it is missing (half a minute).

    Raises:
        LakehouseError: Java is missing, the folder of jars cannot be written, or the sources do not compile.
    """
    jar = extension_jar(settings)
    if jar.exists():
        return jar
    try:
        jar.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=jar.parent) as scratch:
            _compile(Path(scratch))
            made = Path(scratch) / jar.name
            with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
                for path in sorted(Path(scratch).rglob("*.class")):
                    archive.write(path, path.relative_to(scratch))
            os.replace(made, jar)
    except PermissionError:
        raise LakehouseError(
            f"{jar} is missing and cannot be written: run `python -m lakehouse.sql_server.extension` as who may"
        ) from None
    return jar


def _compile(into: Path) -> None:
    import pyspark

    runtime = java_home()
    if runtime is None:
        raise LakehouseError("no Java runtime: run `make setup`, which installs one into .venv")
    jars = Path(pyspark.__file__).parent / "jars"
    class_path = os.pathsep.join(str(jar) for jar in sorted(jars.glob("*.jar")))
    command = [str(runtime / "bin" / "java"), "-Xss8m", "-cp", class_path, "scala.tools.nsc.Main", "-nobootcp"]
    sources = [str(path) for path in sorted(SOURCES.glob("*.scala"))]
    done = subprocess.run(
        [*command, "-classpath", class_path, "-d", str(into), *sources], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise LakehouseError(
            f"the SQL server's extension does not compile: {(done.stdout + done.stderr).strip()[:900]}"
        )


if __name__ == "__main__":
    try:
        print(f"extension of the SQL server: {make_extension(load_settings())}")
    except LakehouseError as fault:
        sys.exit(f"error: {fault}")
