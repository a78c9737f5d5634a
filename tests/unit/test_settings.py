"""Settings: which origin wins, and what a wrong value is told."""

from pathlib import Path

import pytest

from lakehouse.errors import InputError
from lakehouse.settings import load_settings


@pytest.fixture(autouse=True)
def _an_empty_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("LAKEHOUSE_HOME", "LAKEHOUSE_CONFIG", "LAKEHOUSE_DBT_THREADS"):
        monkeypatch.delenv(name, raising=False)


def test_the_home_is_in_the_working_directory_unless_told(tmp_path: Path) -> None:
    assert load_settings().home == tmp_path / ".lakehouse"


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lakehouse.toml").write_text("dbt_threads = 3\nshuffle_partitions = 5\n")
    monkeypatch.setenv("LAKEHOUSE_DBT_THREADS", "1")
    settings = load_settings()
    assert (settings.dbt_threads, settings.shuffle_partitions) == (1, 5)


def test_a_wrong_value_names_the_setting_and_where_to_set_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEHOUSE_DBT_THREADS", "many")
    with pytest.raises(InputError, match=r"'dbt_threads'.*got 'many'.*LAKEHOUSE_DBT_THREADS"):
        load_settings()


def test_an_unknown_name_in_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lakehouse.toml").write_text('hom = "x"\n')
    with pytest.raises(InputError, match="'hom'"):
        load_settings()


def test_a_secret_is_hidden_when_settings_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEHOUSE_MLFLOW_TRACKING_URI", "postgresql://user:hunter2@db/mlflow")
    settings = load_settings()
    assert "hunter2" not in str(settings)
    assert settings.mlflow_uri.endswith("hunter2@db/mlflow")
