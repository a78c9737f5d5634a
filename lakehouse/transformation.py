"""dbt in the run's own process and Spark session: parsed once, built layer by layer."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakehouse import ops
from lakehouse.builds import Ledger, digest
from lakehouse.dbt_docs import write_page
from lakehouse.engine import commits_marked
from lakehouse.errors import InputError, LakehouseError, storage_without_room
from lakehouse.lineage import (
    Node,
    contact_policy,
    current_signatures,
    declared_columns,
    nodes,
    planned_builds,
    tables_made_of,
)
from lakehouse.privacy.uses import check_uses
from lakehouse.profiling import at_once, enter, leave, span
from lakehouse.scratch import scratch_folder
from lakehouse.session import ROWS_OF_A_SMALL_HEAP, machine_bytes
from lakehouse.settings import CHECKOUT, Settings
from lakehouse.storage import delta_table, exchange_folder, remove_exchange_folder

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

USERS_EXPRESSION = re.compile(
    r"UNRESOLVED_ROUTINE|UNRESOLVED_COLUMN|PARSE_SYNTAX_ERROR|DATATYPE_MISMATCH|annot coerce|unknown function|"
    r"cannot extract value|cannot resolve attribute|invalid argument|datetime pattern|regex parse error"
)
"""What Spark and Sail say where an expression does not fit."""


COMPILED_APART = "\n;\n"


@dataclass(frozen=True)
class Built:
    """How a dbt invocation ended: models and tests that ran, models that were as they should be already, and how many
    of those that ran took only what is new."""

    models: int
    tests: int
    kept: int = 0
    merged: int = 0

    def __str__(self) -> str:
        said = f"{self.models} models" + (f" ({self.merged} by increments)" if self.merged else "")
        return f"{said}, {self.tests} tests" + (f", {self.kept} models unchanged" if self.kept else "")


class Transformation:
    """The dbt project over one home; `build` runs a part of its graph."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._manifest: Manifest | None = None

    @property
    def target_dir(self) -> str:
        """Compiled SQL, manifest and docs, under the home's reports."""
        return str(self.settings.reports_dir / "dbt")

    def build(
        self,
        tag: str,
        ledger: Ledger,
        as_of_on: date | None,
        progress: Callable[[str], None] | None = None,
        only: Collection[str] = (),
    ) -> Built:
        """Build the models of a tag that are not what they should be by now, and test what was not tested yet.

        Args:
            ledger: knows what was built from what; told of each model as soon as it is there.
            as_of_on: the day that the models are valid for, None before it is known.
            only: names of the models, where not all of the tag are wanted; no test runs then.

        Raises:
            InputError: a source's expression does not fit its columns.
            LakehouseError: a model or test failed; names it and the first line of its message.
        """
        graph = nodes(self._parsed())
        wanted = current_signatures(self.settings, graph, as_of_on)
        stale = [key for key in graph if not ledger.is_fresh(graph[key].name, wanted[key])]
        models = [key for key in _with_tag(graph, tag) if graph[key].table and (not only or graph[key].name in only)]
        todo = [key for key in models if key in stale] + ([] if only else _tests_of(graph, models, stale))
        if not todo:
            return Built(0, 0, len(models))

        builds, increments = planned_builds(self.settings, ledger, graph, todo, wanted, as_of_on)
        token = digest([[wanted[key] for key in todo], time.time_ns()])
        ledger.intend(token, builds)

        def finished(unique_id: str) -> None:
            if unique_id in graph:
                ledger.finished(graph[unique_id].name)
                if progress is not None:
                    progress(graph[unique_id].name)

        arguments = ["build", "--indirect-selection", "empty", "--select", *builds]
        with commits_marked(self.settings, token), _put_aside(self.settings) as aside:
            folders = {"aside": aside, "tables": self.settings.tables_uri}
            asked = {"language": self.settings.language, "gender_from_names": self.settings.gender_from_names}
            asked |= contact_policy(self.settings)
            variables = json.dumps({"increments": increments, **asked, **folders})
            results = self._invoke([*arguments, "--vars", variables], finished)
        kinds = [str(result.node.resource_type) for result in results]
        merged = sum(_took_increment(self.settings, graph[key]) for key in todo if graph[key].name in increments)
        return Built(kinds.count("model"), kinds.count("test"), len(models) - kinds.count("model"), merged)

    def signatures(self, tag: str, as_of_on: date | None) -> dict[str, str]:
        """A digest per model of the tag over all that it is built from, as things are now."""
        graph = nodes(self._parsed())
        wanted = current_signatures(self.settings, graph, as_of_on)
        return {graph[key].name: wanted[key] for key in _with_tag(graph, tag)}

    def compiled(self, texts: Sequence[str], **variables: Any) -> list[str]:
        """The SQL that texts in dbt's language come to, as models would, over the home as it is."""
        text = COMPILED_APART.join(texts)
        results = self._invoke(["compile", "--inline", text, "--vars", json.dumps(variables)])
        return str(results.results[0].node.compiled_code).split(COMPILED_APART) if texts else []

    def tables_made_of(self, entities: Set[str]) -> set[str]:
        """The tables of models that are made of one of these tables of bronze, through whatever they read."""
        return tables_made_of(nodes(self._parsed()), entities)

    def generate_docs(self) -> str:
        """Write the dbt docs, with the SQL as it was built, as one page that needs no server; returns its path."""
        self._invoke(["docs", "generate", "--no-compile", "--empty-catalog"])
        return str(write_page(self.settings, Path(self.target_dir)))

    def _parsed(self) -> Manifest:
        if self._manifest is None:
            with span("import dbt"):
                from dbt.cli.main import dbtRunner
            with span("parse the dbt project"):
                self._manifest = _checked(dbtRunner().invoke(self._with_folders(["parse"])))
            check_uses(declared_columns(self._manifest))
        return self._manifest

    def _invoke(self, arguments: list[str], finished: Callable[[str], None] | None = None) -> Any:
        from dbt.cli.main import dbtRunner

        runner = dbtRunner(manifest=self._parsed(), callbacks=[_reporting(finished)] if finished else [])
        with span(f"dbt {arguments[0]}"):
            return _checked(runner.invoke(self._with_folders(arguments)))

    def _with_folders(self, arguments: list[str]) -> list[str]:
        os.environ["LAKEHOUSE_DBT_THREADS"] = str(threads(self.settings))
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


def threads(settings: Settings) -> int:
    """Models built at once; one where Sail has much to do, whose statement takes all cores and memory by itself."""
    is_much = settings.engine == "sail" and ops.landed_rows(settings) > rows_of_many_at_once(machine_bytes())
    return at_once(1 if is_much else settings.dbt_threads)


def rows_of_many_at_once(machine: int) -> int:
    """Landed rows up to which Sail builds models beside each other, in a machine of so many bytes.

    1.5 million in 4 GiB were too many: of four models, one was refused the memory that the others held.
    """
    return min(ROWS_OF_A_SMALL_HEAP, 125_000 * machine >> 30)


@contextmanager
def _put_aside(settings: Settings) -> Iterator[str]:
    """A folder for what models put aside while they are built: Sail reads it here, Spark where its executors are."""
    if settings.engine == "spark":
        try:
            yield exchange_folder(settings, "aside")
        finally:
            remove_exchange_folder(settings, "aside")
    else:
        folder = scratch_folder(settings) / "aside"
        try:
            yield str(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _took_increment(settings: Settings, node: Node) -> bool:
    """Whether the last commit of the node's table left it standing."""
    last = delta_table(settings, node.table).history(1)[0]
    is_replaced = str(last["operation"]).startswith("CREATE") or (
        last["operation"] == "WRITE"
        and last["operationParameters"].get("mode") == "Overwrite"
        and not last["operationParameters"].get("predicate")
    )
    return not is_replaced


def _with_tag(graph: Mapping[str, Node], tag: str) -> list[str]:
    return [key for key, node in graph.items() if node.kind == "model" and tag in node.tags]


def _tests_of(graph: Mapping[str, Node], models: list[str], stale: list[str]) -> list[str]:
    """The tests that read any of these models and have not passed on what they would read now."""
    return [
        key
        for key, node in graph.items()
        if node.kind == "test" and key in stale and not set(node.parents).isdisjoint(models)
    ]


def _reporting(finished: Callable[[str], None]) -> Callable[[Any], None]:
    def report(event: Any) -> None:
        if event.info.name == "NodeStart":
            enter(event.data.node_info.node_name)
        elif event.info.name == "NodeFinished":
            leave()
        if event.info.name == "NodeFinished" and str(event.data.run_result.status) in ("success", "pass"):
            finished(str(event.data.node_info.unique_id))

    return report


def _checked(outcome: Any) -> Any:
    """The result of a dbt invocation, or the error of the first node that failed."""
    if outcome.success:
        return outcome.result
    if outcome.exception is not None:
        raise LakehouseError(f"dbt stopped: {_one_line(str(outcome.exception))}")
    failed = next(result for result in outcome.result if str(result.status) in ("error", "fail"))
    full = storage_without_room(str(failed.message))
    if full is not None:
        raise LakehouseError(full)
    message = _one_line(str(failed.message))
    if failed.node.name.startswith("stg_") and USERS_EXPRESSION.search(message):
        raise InputError(
            f"an expression of entity {failed.node.name[4:]} does not fit its columns; correct the source file: "
            f"{message}"
        )
    if "Resources exhausted" in message:
        raise LakehouseError(
            f"dbt {failed.node.resource_type} {failed.node.name} needs more memory than half of the "
            f"{machine_bytes() / 2**30:.1f} GiB here, which is what Sail may take: run where there is more (of a pod: "
            f"`run.driver.resources`), or by Spark (LAKEHOUSE_ENGINE=spark); what was published stays as it was: "
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
