"""The chart with its default values, from nothing: it gets ready, proves itself, runs, and has a laptop's tables."""

from __future__ import annotations

import base64
import json
from typing import Any

import pyarrow as pa
import pytest

from tests.cluster.installation import Installation
from tests.cluster.laptop import SCHEMAS, differing, tables_of_a_run_here
from tests.cluster.tables import hosts_in_event_logs, tables_of

MOST_APART = 1e-4
SAME_TOP_TEN = 0.99


@pytest.fixture(scope="module")
def ran(installed: Installation) -> dict[str, Any]:
    """The Job of the main job on the small sample, ended."""
    with installed.stage("the main job on the small sample"):
        return installed.run("lakehouse-first")


@pytest.fixture(scope="module")
def there(installed: Installation, ran: dict[str, Any]) -> dict[str, pa.Table]:
    """Tables of silver, gold and ml as the cluster has them."""
    with installed.stage("tables are read in the cluster"):
        return tables_of(installed, *SCHEMAS)


@pytest.fixture(scope="module")
def here(installed: Installation, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pa.Table]:
    """The same tables of the same run on this machine."""
    with installed.stage("the same job on this machine"):
        return tables_of_a_run_here(tmp_path_factory.mktemp("laptop") / "home")


def test_data_nodes_are_on_different_workers(installed: Installation) -> None:
    nodes = [pod["spec"]["nodeName"] for pod in installed.pods("datanode")]
    assert len(nodes) == len(set(nodes)) == 2


def test_helm_test_proves_every_part(installed: Installation) -> None:
    with installed.stage("helm test"):
        said = installed.helm("test", installed.release, "--logs", "--timeout", "10m")
    print(said)
    for words in (
        "two commits written and read",
        "user analyst reads gold and is refused in vault, bronze",
        "over TLS",
    ):
        assert words in said


def test_nothing_secret_is_in_what_helm_keeps(installed: Installation) -> None:
    (secret,) = [
        one for one in installed.objects("secrets") if one["metadata"]["name"] == f"{installed.release}-secrets"
    ]
    passwords = [base64.b64decode(value).decode() for name, value in secret["data"].items() if "password" in name]
    assert len(passwords) >= 8
    kept = installed.helm("get", "all", installed.release)
    assert [one for one in passwords if one in kept] == []


@pytest.mark.parametrize(
    ("account", "allowed"),
    [
        ("driver", {"pods", "services", "configmaps", "leases.coordination.k8s.io"}),
        ("executor", set()),
        ("sql-analyst", set()),
        ("sql-engineer", set()),
    ],
)
def test_an_account_may_do_what_it_needs_and_nothing_else(
    installed: Installation, account: str, allowed: set[str]
) -> None:
    assert may_touch(installed, f"{installed.release}-{account}") - may_touch(installed, "default") == allowed


def may_touch(installed: Installation, account: str) -> set[str]:
    """The kinds of object that a service account may do anything with."""
    who = f"--as=system:serviceaccount:{installed.namespace}:{account}"
    listed = installed.kubectl("auth", "can-i", "--list", "--no-headers", who)
    return {line.split()[0] for line in listed.splitlines() if line and not line.startswith((" ", "["))}


def test_the_main_job_ends_well(ran: dict[str, Any]) -> None:
    assert ran["status"].get("succeeded") == 1, json.dumps(ran["status"], indent=1)


def test_executors_ran_on_both_workers(installed: Installation, there: dict[str, pa.Table]) -> None:
    hosts = hosts_in_event_logs(installed)
    scheduled = installed.objects("events", "--field-selector=reason=Scheduled")
    nodes = {one["message"].split()[-1] for one in scheduled if "-exec-" in one["involvedObject"]["name"]}
    assert len(hosts) >= 2, hosts
    assert len(nodes) == 2, nodes


def test_where_no_model_speaks_the_tables_are_a_laptops(there: dict[str, pa.Table], here: dict[str, pa.Table]) -> None:
    assert differing(there, here) == []


def test_every_customer_is_in_the_laptops_segment(there: dict[str, pa.Table], here: dict[str, pa.Table]) -> None:
    segments = [
        dict(
            zip(
                tables["gold.act_segments"]["customer_id"].to_pylist(),
                tables["gold.act_segments"]["segment_name"].to_pylist(),
            )
        )
        for tables in (there, here)
    ]
    assert len(segments[1]) > 100
    assert segments[0] == segments[1]


def test_ten_recommendations_are_the_laptops_for_nearly_all(
    there: dict[str, pa.Table], here: dict[str, pa.Table]
) -> None:
    ours, theirs = (_top_ten(tables["gold.act_recommendations"]) for tables in (there, here))
    assert set(ours) == set(theirs)
    same = sum(ours[customer] == theirs[customer] for customer in theirs) / len(theirs)
    assert same >= SAME_TOP_TEN


def _top_ten(table: pa.Table) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in table.to_pylist():
        if row["rank"] <= 10:
            found.setdefault(row["customer_id"], set()).add(row["product_id"])
    return found


@pytest.mark.parametrize("table", ["gold.act_click_propensity", "gold.act_purchase_propensity"])
def test_probabilities_are_the_laptops(table: str, there: dict[str, pa.Table], here: dict[str, pa.Table]) -> None:
    probability = next(name for name in here[table].column_names if name.endswith("_probability"))
    keys = [name for name in here[table].column_names if name.endswith("_id")]
    ours, theirs = (
        {
            tuple(row[key] for key in keys): row[probability]
            for row in tables[table].select([*keys, probability]).to_pylist()
        }
        for tables in (there, here)
    )
    assert set(ours) == set(theirs)
    assert max(abs(ours[key] - theirs[key]) for key in theirs) <= MOST_APART
