"""dbt in the run's own process and Spark session: parsed once, built layer by layer."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakehouse.dbt_docs import write_page
from lakehouse.errors import InputError, LakehouseError
from lakehouse.settings import CHECKOUT, Settings

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

USERS_EXPRESSION = re.compile(r"UNRESOLVED_ROUTINE|UNRESOLVED_COLUMN|PARSE_SYNTAX_ERROR|DATATYPE_MISMATCH")


@dataclass(frozen=True)
class Built:
    """How a dbt invocation ended: models and tests that ran."""

    models: int
    tests: int


class Transformation:
    """The dbt project over one home; `build` runs a part of its graph."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._manifest: Manifest | None = None

    @property
    def target_dir(self) -> str:
        """Compiled SQL, manifest and docs, under the home's reports."""
        return str(self.settings.reports_dir / "dbt")

    def build(self, select: list[str], progress: Callable[[str], None] | None = None) -> Built:
        """Build and test the selected models.

        Raises:
            InputError: a source's expression does not fit its columns.
            LakehouseError: a model or test failed; names it and the first line of its message.
        """
        arguments = ["build", "--select", *select, "--exclude-resource-type", "unit_test"]
        results = self._invoke(arguments, progress)
        kinds = [str(result.node.resource_type) for result in results]
        return Built(models=kinds.count("model"), tests=kinds.count("test"))

    def generate_docs(self) -> str:
        """Write the dbt docs, with the SQL as it was built, as one page that needs no server; returns its path."""
        self._invoke(["docs", "generate", "--no-compile", "--empty-catalog"])
        return str(write_page(self.settings, Path(self.target_dir)))

    def _invoke(self, arguments: list[str], progress: Callable[[str], None] | None = None) -> Any:
        from dbt.cli.main import dbtRunner

        os.environ["LAKEHOUSE_DBT_THREADS"] = str(self.settings.dbt_threads)
        if self._manifest is None:
            self._manifest = _checked(dbtRunner().invoke(self._with_folders(["parse"])))
        runner = dbtRunner(manifest=self._manifest, callbacks=[_reporting(progress)] if progress else [])
        return _checked(runner.invoke(self._with_folders(arguments)))

    def _with_folders(self, arguments: list[str]) -> list[str]:
        return [
            "--quiet",
            "--log-path",
            str(self.settings.log_dir),
            "--log-level",
            "none",
            *arguments,
            "--project-dir",
            str(CHECKOUT),
            "--profiles-dir",
            str(CHECKOUT),
            "--target-path",
            self.target_dir,
        ]


def _reporting(progress: Callable[[str], None]) -> Callable[[Any], None]:
    def report(event: Any) -> None:
        if event.info.name == "NodeFinished":
            progress(str(event.data.node_info.node_name))

    return report


def _checked(outcome: Any) -> Any:
    """The result of a dbt invocation, or the error of the first node that failed."""
    if outcome.success:
        return outcome.result
    if outcome.exception is not None:
        raise LakehouseError(f"dbt stopped: {_one_line(str(outcome.exception))}")
    failed = next(result for result in outcome.result if str(result.status) in ("error", "fail"))
    message = _one_line(str(failed.message))
    if failed.node.name.startswith("stg_") and USERS_EXPRESSION.search(message):
        raise InputError(
            f"an expression of entity {failed.node.name[4:]} does not fit its columns; correct the source file: "
            f"{message}"
        )
    raise LakehouseError(
        f"dbt {failed.node.resource_type} {failed.node.name} failed: {message}; its SQL is {failed.node.compiled_path}"
    )


def _one_line(message: str, length: int = 400) -> str:
    """A message without Spark's plan and dbt's frame."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    kept = []
    for line in lines:
        if line.startswith(("'", "+-", ":-", "== SQL")):
            break
        kept.append(line)
    return " ".join(kept)[:length]
