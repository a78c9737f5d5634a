"""dbt's graph as the ledger of builds sees it: what each node reads, and a digest of what it says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from lakehouse import ops
from lakehouse.builds import Build, Ledger, digest, files_digest, signatures, table_state
from lakehouse.settings import CHECKOUT, Settings

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

PROJECT_FILES = ("dbt_project.yml", "profiles.yml")
MACROS = CHECKOUT / "dbt_project" / "macros"
SPEAKING = frozenset({"macro.lakehouse.say", "macro.lakehouse.say_by"})
"""What writes sentences in the language of the home into a model."""
NAMING = frozenset({"macro.lakehouse.given_name"})
"""What takes given names, or leaves them out, as setting `gender_from_names` says."""


TOLD_FROM = (("ops", "validations"), ("ops", "runs"), ("ops", "restrictions"))
"""Read by the history only, and restrictions by consent. So is `ops.loads`, but silver names it too, and silver is made
of its batches."""


PERMITTING = "macro.lakehouse.contact_policy"
"""What decides who may be contacted, by the settings of the home."""


@dataclass(frozen=True)
class Node:
    """A model or test of the project; `table` is empty where it writes none."""

    name: str
    kind: str
    tags: frozenset[str]
    table: str
    parents: tuple[str, ...]
    text_digest: str
    is_merged: bool = False
    is_replaced: bool = False
    may_lose: bool = False
    grows_with: str = ""
    speaks: bool = False
    names: bool = False
    permits: bool = False

    @property
    def entities(self) -> list[str]:
        """The bronze tables that it reads."""
        return [parent.split(".")[-1] for parent in self.parents if ".bronze." in parent]


def nodes(manifest: Manifest) -> dict[str, Node]:
    """All models and data tests by dbt's unique id, in an order in which parents come first."""
    shared = files_digest([CHECKOUT / name for name in PROJECT_FILES] + list(MACROS.rglob("*.sql")), CHECKOUT)
    found = {
        key: _node(node, shared) for key, node in manifest.nodes.items() if str(node.resource_type) in ("model", "test")
    }
    ordered: dict[str, Node] = {}

    def take(key: str) -> None:
        if key in found and key not in ordered:
            for parent in found[key].parents:
                take(parent)
            ordered[key] = found[key]

    for key in found:
        take(key)
    return ordered


def declared_columns(manifest: Manifest) -> dict[str, list[str]]:
    """The columns that the project describes: model, or source table with its schema -> names."""
    models = {n.name: list(n.columns) for n in manifest.nodes.values() if str(n.resource_type) == "model"}
    return models | {f"{s.source_name}.{s.name}": list(s.columns) for s in manifest.sources.values()}


def current_signatures(settings: Settings, graph: Mapping[str, Node], as_of_on: date | None) -> dict[str, str]:
    """What each node would be built from now: its text, that of all above it, the roots' content, and the settings that
    it heeds.

    A root is a bronze table (its current batches), `ops.sources` (the definitions), `ops.as_of` (the day), a table of
    the models (its state), or one that the platform's history is told from (its state).
    """
    roots = {parent for node in graph.values() for parent in node.parents if parent not in graph}
    own = {key: _own_digest(settings, node) for key, node in graph.items()}
    batches = batch_states(settings)
    definitions = definitions_digest(settings)
    for root in roots:
        schema, table = root.split(".")[-2:]
        if schema == "bronze":
            own[root] = digest(sorted(batches.get(table, ())))
        elif (schema, table) == ("ops", "sources"):
            own[root] = definitions
        elif (schema, table) == ("ops", "as_of"):
            own[root] = str(as_of_on)
        elif schema == "ml" or (schema, table) in TOLD_FROM:
            own[root] = table_state(settings, f"{schema}.{table}")
    parents: dict[str, Iterable[str]] = {key: node.parents for key, node in graph.items()}
    return signatures({**parents, **dict.fromkeys(roots, ())}, own)


def _own_digest(settings: Settings, node: Node) -> str:
    """Of its text, and of the settings that it heeds."""
    heeded: list[Any] = [settings.language] if node.speaks else []
    heeded += [f"names {settings.gender_from_names}"] if node.names else []
    heeded += [contact_policy(settings)] if node.permits else []
    return digest([node.text_digest, *heeded]) if heeded else node.text_digest


def contact_policy(settings: Settings) -> dict[str, Any]:
    """The settings that decide who may be contacted, as dbt's variables."""
    return {name: getattr(settings, name) for name in ("assume_consent", "contact_cap_count", "contact_cap_days")}


def current_batches(settings: Settings) -> dict[str, dict[str, int]]:
    """Entity -> the batches that silver reads -> their rows."""
    found: dict[str, dict[str, int]] = {}
    for load in ops.read(settings, "loads"):
        if load["is_current"]:
            found.setdefault(load["entity"], {})[load["batch_id"]] = load["rows_landed"]
    return found


def batch_states(settings: Settings) -> dict[str, list[str]]:
    """Entity -> the batches that silver reads, each with how many of its rows, and columns of rows, are gone for their
    age."""
    found: dict[str, list[str]] = {}
    for load in ops.read(settings, "loads"):
        if load["is_current"]:
            state = load["batch_id"]
            for name, what in (("rows_expired", "without"), ("rows_emptied", "emptied in")):
                state += f" {what} {load[name]}" if load.get(name) else ""
            found.setdefault(load["entity"], []).append(state)
    return found


def tables_made_of(graph: Mapping[str, Node], entities: Set[str]) -> set[str]:
    """The tables of models that are made of one of these tables of bronze, through whatever they read."""
    return {node.table for key, node in graph.items() if node.table and _bronze_above(graph, key) & entities}


def definitions_digest(settings: Settings) -> str:
    """A digest of what the sources say of themselves, and of how what they brought is protected."""
    plans = {
        (load["entity"], load.get("protection") or "") for load in ops.read(settings, "loads") if load["is_current"]
    }
    return digest([sorted(digest(row) for row in ops.read(settings, "sources")), sorted(plans)])


def planned_builds(
    settings: Settings,
    ledger: Ledger,
    graph: Mapping[str, Node],
    todo: Sequence[str],
    wanted: Mapping[str, str],
    as_of_on: date | None,
) -> tuple[dict[str, Build], dict[str, dict[str, Any]]]:
    """What these nodes will be once they are built, and for those that take an increment what it is made of.

    Args:
        todo: keys of the graph.
        wanted: key -> signature.
        as_of_on: the day that they are valid for, None before it is known.
    """
    rebuilt = {graph[key].table for key in todo}
    batches, definitions = current_batches(settings), definitions_digest(settings)
    builds, increments = {}, {}
    for key in todo:
        node = graph[key]
        build = Build(wanted[key], {node.table: ""} if node.table else {})
        if node.is_merged:
            for entity in node.entities:
                build.batches.update(batches.get(entity, {}))
            build = replace(
                build,
                rest=digest([node.text_digest, definitions]),
                read={graph[parent].name: wanted[parent] for parent in node.parents if parent in graph},
            )
            increment = ledger.increment(node.name, build, node.may_lose)
            if increment is not None:
                increments[node.name] = increment
        elif node.is_replaced:
            for table in _bronze_above(graph, key):
                build.batches.update(batches.get(table, {}))
            build = replace(
                build,
                rest=digest([node.text_digest, definitions]),
                followed=dict.fromkeys(_tables_read(graph, key), ""),
                as_of_on=str(as_of_on),
            )
            changes = ledger.changes(node.name, build, rebuilt)
            if changes is not None:
                increments[node.name] = changes
        builds[node.name] = build
    for node in (graph[key] for key in todo):
        if node.grows_with in increments:
            increments[node.name] = increments[node.grows_with]
    return builds, increments


def _bronze_above(graph: Mapping[str, Node], key: str) -> set[str]:
    """The bronze tables that a node is made of, through whatever it reads."""
    found = set(graph[key].entities)
    for parent in graph[key].parents:
        if parent in graph:
            found |= _bronze_above(graph, parent)
    return found


def _tables_read(graph: Mapping[str, Node], key: str) -> list[str]:
    """The tables of models that a node reads, itself or through models that are written into its text."""
    found: set[str] = set()
    for parent in graph[key].parents:
        if parent in graph:
            found |= {graph[parent].table} if graph[parent].table else set(_tables_read(graph, parent))
    return sorted(found)


def _node(node: Any, shared: str) -> Node:
    files = [CHECKOUT / node.original_file_path]
    if node.patch_path:
        files.append(CHECKOUT / node.patch_path.split("://", 1)[1])
    is_model = str(node.resource_type) == "model"
    stored = is_model and node.config.materialized != "ephemeral"
    return Node(
        name=node.name,
        kind=str(node.resource_type),
        tags=frozenset(node.tags),
        table=f"{node.schema}.{node.alias}" if stored else "",
        parents=tuple(node.depends_on.nodes),
        text_digest=digest([shared, files_digest(files, CHECKOUT)]),
        is_merged=is_model and node.config.materialized == "merged",
        is_replaced=is_model and node.config.materialized == "replaced",
        may_lose="day" not in node.config.meta,
        grows_with=str(node.config.meta.get("grows_with", "")),
        speaks=not SPEAKING.isdisjoint(node.depends_on.macros),
        names=not NAMING.isdisjoint(node.depends_on.macros),
        permits=PERMITTING in node.depends_on.macros,
    )
