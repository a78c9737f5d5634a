"""How much memory there is, and how much of it Java may take."""

from pathlib import Path

import pytest

from lakehouse import session
from lakehouse.session import ROWS_OF_A_SMALL_HEAP, fitting_heap, machine_bytes, memory_limits


@pytest.mark.parametrize(
    ("rows", "machine_gib", "heap"),
    [
        (0, 24, "2048m"),
        (ROWS_OF_A_SMALL_HEAP, 24, "2048m"),
        (ROWS_OF_A_SMALL_HEAP + 1, 4, "2048m"),
        (ROWS_OF_A_SMALL_HEAP + 1, 24, "6144m"),
        (ROWS_OF_A_SMALL_HEAP + 1, 256, "8192m"),
    ],
)
def test_the_heap_is_a_quarter_of_the_machine_where_much_has_landed(rows: int, machine_gib: int, heap: str) -> None:
    assert fitting_heap(rows, machine_gib << 30) == heap


@pytest.mark.parametrize(
    ("groups", "limits"),
    [
        ("0::/\n", ["memory.max"]),
        ("0::/user.slice/run.scope\n", ["user.slice/run.scope/memory.max", "user.slice/memory.max", "memory.max"]),
        (
            "5:devices:/\n4:memory:/four\n0::/\n",
            ["memory/four/memory.limit_in_bytes", "memory/memory.limit_in_bytes", "memory.max"],
        ),
    ],
)
def test_limits_are_looked_for_in_every_group_above(groups: str, limits: list[str]) -> None:
    assert [str(limit.relative_to(session.CONTROL_GROUPS)) for limit in memory_limits(groups)] == limits


def test_the_least_limit_is_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = machine_bytes()
    for limit in memory_limits(Path("/proc/self/cgroup").read_text()):
        here = tmp_path / limit.relative_to(session.CONTROL_GROUPS)
        here.parent.mkdir(parents=True, exist_ok=True)
        here.write_text("max\n")
    monkeypatch.setattr(session, "CONTROL_GROUPS", tmp_path)
    assert machine_bytes() >= whole
    here.write_text("4096\n")
    assert machine_bytes() == 4096
