"""The doctor names what is wrong and what to do."""

from pathlib import Path

from lakehouse.doctor import examine, locked_versions
from lakehouse.settings import CHECKOUT, load_settings


def test_this_machine_can_run_the_tests_it_runs(tmp_path: Path) -> None:
    faults = [finding for finding in examine(load_settings(home=tmp_path)) if not finding.ok]
    assert faults == []


def test_missing_jars_are_found_with_what_to_do(tmp_path: Path) -> None:
    findings = examine(load_settings(home=tmp_path, jars_dir=tmp_path / "none"))
    faults = [finding for finding in findings if not finding.ok]
    assert {finding.subject for finding in faults} == {"jars"}
    assert all("lakehouse.jars" in finding.advice for finding in faults)


def test_the_lock_file_is_read_by_name_and_version() -> None:
    versions = locked_versions(CHECKOUT / "requirements.lock")
    assert versions["pyspark"] == "3.5.7"
    assert versions["pandas"] == "2.3.3"
