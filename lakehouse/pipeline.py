"""The main job as a list of steps: what each does, what it needs, and when it may be skipped."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING, Any

from lakehouse import by_hand, ops, publication
from lakehouse.bronze import land, news
from lakehouse.builds import Ledger, digest, files_digest
from lakehouse.catalog import register_tables
from lakehouse.cluster.lease import confirm_held
from lakehouse.engine import fitting_engine, frames, open_engine, query
from lakehouse.entities import ENTITIES
from lakehouse.errors import LakehouseError
from lakehouse.lineage import batch_states, contact_policy
from lakehouse.maintenance import bound_ops_files
from lakehouse.privacy import standing
from lakehouse.privacy.erasure.requests import continue_killed, erase_returned
from lakehouse.privacy.free_text import cleared
from lakehouse.privacy.retention.derived import settle
from lakehouse.privacy.retention.expiry import continue_expiry
from lakehouse.profiling import span
from lakehouse.quality.carry_over import still_valid
from lakehouse.quality.gate import GateReport, run_gate
from lakehouse.quality.suites import load_suites
from lakehouse.runlock import hold
from lakehouse.running import Marker
from lakehouse.session import fit_to_size, open_session
from lakehouse.settings import CHECKOUT, Settings
from lakehouse.sources import Source, remembered_sources
from lakehouse.storage import list_tables, remove_unborn_tables
from lakehouse.transformation import Transformation

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CHAMPION_STAYS = "the champion stays (`lakehouse models` says why)"
HISTORY = "gold.ops_"
"""Tables of gold that tell readers what the platform did and when: no two runs make the same."""
CODE = ("dbt_project.yml", "dbt_project", "expectations", "ml", "lakehouse")


@dataclass(frozen=True)
class StepResult:
    """What a step reports: rows it wrote or checked, and a remark."""

    rows: int | None = None
    message: str = ""


class Progress:
    """Told what happens; the command line shows it, this one keeps silent."""

    def begun(self, sources: str, home: str) -> None: ...

    def started(self, step: str, title: str) -> None: ...

    def advanced(self, step: str, what: str) -> None: ...

    def ended(self, step: str, result: StepResult, seconds: float) -> None: ...

    def skipped(self, step: str, title: str, why: str) -> None: ...

    def noted(self, what: str) -> None: ...

    def waiting(self, for_what: str) -> None: ...

    def logged(self, line: str) -> None: ...


@dataclass
class Run:
    """One run of the main job on one home."""

    settings: Settings
    sources: list[Source]
    as_of: date | None
    progress: Progress
    clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc)
    fetch: Callable[[], list[Source]] | None = None  # brings more sources, once nobody else may write
    run_id: str = ""
    as_of_on: date | None = None
    gates: list[GateReport] = field(default_factory=list)
    fingerprint: str = ""
    _spark: SparkSession | None = None
    _registered: set[tuple[str, str]] = field(default_factory=set)
    _dbt: Transformation | None = None
    _ledger: Ledger | None = None

    def __post_init__(self) -> None:
        self.run_id = self.run_id or self.clock().strftime("%Y%m%dT%H%M%S.%fZ")

    @property
    def spark(self) -> SparkSession:
        """The session of the run, opened by the first step that needs it."""
        if self._spark is None:
            self._spark = open_session(self.settings)
            fit_to_size(self._spark, ops.landed_rows(self.settings))
        there = set(list_tables(self.settings))
        register_tables(self._spark, self.settings, there - self._registered)  # others write tables too
        self._registered = there
        return self._spark

    @property
    def frames(self) -> SparkSession:
        """The session of the engine: Spark's, or one that speaks to Sail."""
        return self.spark if self.settings.engine == "spark" else frames(self.settings)

    def open_engine(self) -> None:
        """Open what answers the SQL of dbt."""
        self.settings, strange = fitting_engine(self.settings)
        if strange:
            what = ", ".join(strange)
            self.progress.noted(f"Spark builds the tables: Sail is not known to answer {what} of a source as it does")
        if self.settings.engine == "spark":
            _ = self.spark
        open_engine(self.settings)

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of an answer of the engine, opened if it is not."""
        self.open_engine()
        return query(self.settings, sql)

    @property
    def dbt(self) -> Transformation:
        if self._dbt is None:
            self._dbt = Transformation(self.settings)
        return self._dbt

    @property
    def ledger(self) -> Ledger:
        """What this home has built from what."""
        if self._ledger is None:
            self._ledger = Ledger(self.settings)
        return self._ledger


@dataclass(frozen=True)
class Step:
    """A named part of the run."""

    name: str
    title: str
    do: Callable[[Run], StepResult]


def main_job(run: Run) -> publication.Publication:
    """Land, build, validate, train, score, build marts, validate, publish; one run at a time on a home.

    Raises:
        InputError: a source or its data is wrong.
        GateFailed: an `error` expectation failed; what readers see stays as it was.
    """
    with hold(run.settings, run.progress.noted):
        if run.fetch is not None:
            run.sources = [*run.sources, *run.fetch()]
        remove_unborn_tables(run.settings)
        ops.ensure_tables(run.settings)
        if continue_killed(run.settings, run.clock, run.ask) is not None:
            run.progress.noted("an erasure that was killed is done, and has its certificate")
        if continue_expiry(run.settings) is not None:
            run.progress.noted("what was past its retention and half removed when it was killed is gone")
        killed = Marker(run.settings).settle()
        if killed is not None:
            run.progress.noted(f"run {killed.run_id} was killed in step {killed.step}; continuing from there")
        perform(run, LAND)
        run.fingerprint = fingerprint(run.settings, run.as_of)
        kept = publication.shelf(run.settings)
        published = kept.find(kept.current)
        if published is not None and run.fingerprint in (published.fingerprint, kept.held_back):
            why = "unchanged" if run.fingerprint == published.fingerprint else "unchanged since it was rolled back"
            for step in AFTER_LANDING:
                run.progress.skipped(step.name, step.title, why)
            return _settled(run, published)
        for step in AFTER_LANDING:
            perform(run, step)
        bound_ops_files(run.settings)
        return _settled(run, publication.current(run.settings))


def _settled(run: Run, published: publication.Publication | None) -> publication.Publication:
    """The set that readers see, once what older ones hold of rows that are gone for their age is gone as well."""
    tables = settle(run.settings, run.clock())
    if tables:
        run.progress.noted(
            f"older versions of {tables} tables are removed: they were made of rows that are past their retention; "
            "sets that were published of them cannot be gone back to"
        )
        published = publication.current(run.settings)
    assert published is not None
    return published


def perform(run: Run, step: Step) -> StepResult:
    """Do one step and write its row of `ops.runs`, whatever comes of it (if we are killed, the next run does)."""
    confirm_held()
    run.progress.started(step.name, step.title)
    started_at = run.clock()
    state, result = "failed", StepResult()
    marker = Marker(run.settings)
    marker.begin(run.run_id, step.name, started_at)
    try:
        with span(step.name):
            result = step.do(run)
        state = "done"
        return result
    except LakehouseError as error:
        result = StepResult(message=cleared(str(error)))  # it may quote a line, and is kept in ops.runs
        raise
    finally:
        ended_at = run.clock()
        marker.end(state, ended_at, result.rows, run.as_of_on, result.message)
        if state == "done":
            run.progress.ended(step.name, result, (ended_at - started_at).total_seconds())


def fingerprint(settings: Settings, as_of: date | None) -> str:
    """A digest of all that tables depend on: batches, definitions, code, day, seed, settings, models chosen by hand."""
    batches = sorted(state for states in batch_states(settings).values() for state in states)
    definitions = sorted(json.dumps(row, sort_keys=True, default=str) for row in ops.read(settings, "sources"))
    asked = [
        settings.budget_amount,
        settings.budget_minimum_share,
        settings.budget_maximum_share,
        settings.language,
        settings.gender_from_names,
        contact_policy(settings),
        standing.of_rights(settings),
    ]
    chosen = by_hand.read(settings)
    return digest([batches, definitions, str(as_of), settings.sample_seed, _code_digest(*CODE), asked, chosen])


def _code_digest(*roots: str) -> str:
    files = [CHECKOUT / root for root in roots if (CHECKOUT / root).is_file()]
    for root in roots:
        files += [p for p in (CHECKOUT / root).rglob("*") if p.suffix in (".py", ".sql", ".yml", ".yaml", ".csv")]
    return files_digest(files, CHECKOUT)


def _land(run: Run) -> StepResult:
    loads = land(
        run.settings,
        run.sources or remembered_sources(run.settings),
        run.run_id,
        run.clock(),
        lambda what: run.progress.advanced("land", what),
        noted=run.progress.noted,
    )
    returned = erase_returned(run.settings, run.clock, run.ask)
    landed = sum(load.rows_landed for load in loads)
    quarantined = sum(load.rows_quarantined for load in loads)
    message = f"{len(loads)} new files" if loads else "no new files"
    message += f", {quarantined:,} rows quarantined" if quarantined else ""
    sealed = sum(load.rows_sealed for load in loads)
    message += f", identifiers of {sealed:,} rows sealed" if sealed else ""
    erased = sum(load.rows_erased for load in loads)
    message += f", {erased:,} rows of erased persons left out" if erased else ""
    message += f", {returned:,} erased persons erased again" if returned else ""
    return StepResult(landed, "; ".join([message, *news(run.settings, run.run_id, run.clock())]))


def judged_tables(settings: Settings, layer: str) -> list[str]:
    """The tables of a layer that have a suite, without those of entities that no source brings: they have no rows.

    Nor those of the platform's own history, which is written after the last gate and has one of its own.
    """
    brought = {row["entity"] for row in ops.read(settings, "sources")}
    absent = {f"{layer}.{entity}" for entity in ENTITIES if entity not in brought}
    return [table for table in _suited(layer) if table not in absent and not table.startswith(HISTORY)]


def _suited(layer: str) -> list[str]:
    return [suite.table for suite in load_suites(layer)]


def _gate(layer: str) -> Callable[[Run], StepResult]:
    def validate(run: Run) -> StepResult:
        tables = judged_tables(run.settings, layer)
        known = still_valid(run.settings, load_suites(layer, tables), run.clock())
        report = run_gate(lambda: run.spark, run.settings, layer, run.run_id, run.clock(), tables, known=known)
        run.gates.append(report)
        report.raise_if_failed()
        return StepResult(message=report.headline)

    return validate


def _build(tag: str) -> Callable[[Run], StepResult]:
    def build(run: Run) -> StepResult:
        run.open_engine()
        built = run.dbt.build(tag, run.ledger, run.as_of_on, lambda node: run.progress.advanced(tag, node))
        return StepResult(message=str(built))

    return build


def _set_day(run: Run) -> StepResult:
    """The day the run is valid for: as told, or the last day of any order, event, impression or rating."""
    day = run.as_of or last_day_of_data(run.settings) or run.clock().date()
    run.as_of_on = day
    ops.overwrite(run.settings, "as_of", [{"as_of_on": day}])
    return StepResult(message=f"as of {day}")


def last_day_of_data(settings: Settings) -> date | None:
    """The latest day of anything a customer did, None without any."""
    rows = query(
        settings,
        """
        select max(day) as day from (
            select max(ordered_on) as day from silver.order_lines
            union all select max(event_on) from silver.events
            union all select max(shown_on) from silver.impressions
            union all select max(cast(rated_at as date)) from silver.ratings
        )
        """,
    )
    return rows[0][0]


def _train(run: Run) -> StepResult:
    from ml.coded import read_once

    with read_once():
        return _train_and_score(run)


def _train_and_score(run: Run) -> StepResult:
    from ml.tasks import TASKS

    day, seed = run.as_of_on, run.settings.sample_seed
    assert day is not None
    said: dict[str, list[str]] = {"trained": [], "scored with the model there is": [], "unchanged": []}
    before: list[str] = []
    learnt_from, chosen = run.dbt.signatures("features", day), by_hand.read(run.settings)
    remarks: list[str] = []
    for name, task in TASKS.items():
        asked = [getattr(run.settings, setting) for setting in task.heeds] + standing.restricted(run.settings)
        made_of = [learnt_from, str(day), seed, run.settings.refresh_days, _code_digest("ml"), asked, chosen.get(name)]
        signature = digest([made_of, before])
        before.append(signature)
        if run.ledger.is_fresh(f"ml.{name}", signature):
            said["unchanged"].append(name)
            continue
        run.progress.advanced("train", name)
        with span("due?"):
            # A registry may outlive the tables (a new storage): then what only training writes is missing.
            is_due = not task.has_left_tables(run.settings) or task.refresh_reason(run.settings, day, seed)
        if is_due:
            with span(f"train {name}"):
                trained = task.train(run.frames, run.settings, day, seed)
            if trained.is_challenger:
                said.setdefault(CHAMPION_STAYS, []).append(name)
            remarks += [trained.remark] if trained.remark else []
        with span(f"score {name}"):
            task.score(run.frames, run.settings, day, seed)
        run.ledger.record(f"ml.{name}", signature, [f"ml.{table}" for table in task.writes])
        said["trained" if is_due else "scored with the model there is"].append(name)
    told = [f"{how}: {', '.join(names)}" for how, names in said.items() if names]
    return StepResult(message="; ".join([*told, *remarks]))


def _tell_history(run: Run) -> StepResult:
    """What was landed, judged and done, for readers, who see gold only; judged like any other table of gold."""
    run.open_engine()
    built = run.dbt.build("history", run.ledger, run.as_of_on, lambda node: run.progress.advanced("history", node))
    tables = [table for table in _suited("gold") if table.startswith(HISTORY)]
    report = run_gate(lambda: run.spark, run.settings, "gold", run.run_id, run.clock(), tables)
    run.gates.append(report)
    report.raise_if_failed()
    return StepResult(message=f"{built}; {report.headline}")


def _docs(run: Run) -> StepResult:
    return StepResult(message=f"lineage and columns: {run.dbt.generate_docs()}")


def _publish(run: Run) -> StepResult:
    outcomes = [outcome for gate in run.gates for outcome in gate.outcomes]
    passed = sum(outcome.passed for outcome in outcomes)
    published = publication.publish(
        run.settings,
        run.run_id,
        run.clock(),
        str(run.as_of_on),
        run.fingerprint,
        sources=Counter(row["source"] for row in ops.read(run.settings, "loads") if row["is_current"]),
        rules={"passed": passed, "failed": len(outcomes) - passed},
    )
    return StepResult(message=f"{len(published.tables)} gold tables")


LAND = Step("land", "Land files in bronze", _land)
AFTER_LANDING = (
    Step("validate_bronze", "Validate bronze", _gate("bronze")),
    Step("silver", "Clean into silver", _build("silver")),
    Step("validate_silver", "Validate silver", _gate("silver")),
    Step("as_of", "Set the day", _set_day),
    Step("features", "Build features", _build("features")),
    Step("train", "Train and score models", _train),
    Step("validate_ml", "Validate predictions", _gate("ml")),
    Step("marts", "Build marts and activation", _build("marts")),
    Step("validate_gold", "Validate gold", _gate("gold")),
    Step("history", "Tell what was done", _tell_history),
    Step("docs", "Write the dbt docs", _docs),
    Step("publish", "Publish gold", _publish),
)
