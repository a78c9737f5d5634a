"""Typed settings: environment variables `LAKEHOUSE_*` first, then `lakehouse.toml`, then these defaults."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from lakehouse.errors import InputError

CHECKOUT = Path(__file__).resolve().parent.parent
SCHEMAS = ("bronze", "silver", "gold", "ml", "ops")
Language = Literal["en", "zh"]
MEMORY = r"^[1-9][0-9]*[mg]$"


class Settings(BaseSettings):
    """Where things are and how much of the machine a run may take. `lakehouse config` prints them."""

    model_config = SettingsConfigDict(env_prefix="LAKEHOUSE_", extra="forbid", validate_default=True)

    home: Path = Field(Path(".lakehouse"), description="tables, models, reports and logs live under it")
    storage: str | None = Field(
        None,
        description="where the tables are: hdfs://host:port/folder or s3://bucket/folder; default: the home",
    )
    data_dir: Path = Field(
        CHECKOUT / ".." / "shared" / "data", description="real data sets that tests and benchmarks read"
    )
    cluster_dir: Path = Field(
        CHECKOUT / ".." / "shared" / "cluster", description="starts a cluster for the cluster tests"
    )
    jars_dir: Path = Field(CHECKOUT / ".jars", description="the jars of jars.lock")
    engine: Literal["sail", "spark"] = Field(
        "sail", description="what answers the SQL of dbt: Sail in this process, or Spark; models are trained in Spark"
    )
    spark_master: str = Field(
        "local[*]",
        description="a Spark master URL; k8s://https://… starts executors as pods, from a pod there",
    )
    driver_memory: str | None = Field(
        None,
        description="heap of the Spark driver, as 2g or 2048m; default: 2g, where much has landed up to a quarter of "
        "the machine's memory",
    )
    scratch_dir: Path | None = Field(
        None, description="where a process keeps files that nobody else needs; default: a folder of the home"
    )
    executors: int = Field(2, ge=1, description="Spark executors on Kubernetes")
    executor_cores: int = Field(1, ge=1, description="tasks that an executor does at once")
    executor_cpu: str = Field("500m", description="CPU that an executor's pod requests, as Kubernetes writes it")
    executor_memory: str = Field("1g", pattern=MEMORY, description="heap of an executor, as 2g or 2048m")
    executor_memory_overhead: str = Field(
        "768m", pattern=MEMORY, description="memory of an executor's pod beyond its heap: Python's workers, buffers"
    )
    executor_image: str | None = Field(None, description="the image of executors, which is the image of the run")
    executor_service_account: str | None = Field(None, description="of executors' pods; default: the namespace's")
    executor_template: Path | None = Field(
        None,
        description="a file with a Pod whose labels, node selector and so on executors' pods have; what it leaves "
        "open is set as Pod Security `restricted` wants it",
    )
    driver_service: str | None = Field(
        None, description="a headless service by which executors find the run's pod; default: the pod's address"
    )
    event_logs: str | None = Field(
        None, description="a folder, by its address, for Spark's event logs; default: spark-logs of the storage, if any"
    )
    hdfs_replication: int = Field(2, ge=1, description="replicas of what Spark writes to HDFS")
    shuffle_partitions: int = Field(2, ge=1, description="spark.sql.shuffle.partitions")
    dbt_threads: int = Field(4, ge=1, description="dbt models built at once")
    sample_customers: int = Field(2500, ge=10, description="customers of the built-in sample")
    sample_days: int = Field(365, ge=30, description="days of the built-in sample")
    sample_seed: int = Field(7, description="seed of the built-in sample and of the models")
    refresh_days: int = Field(
        7,
        ge=0,
        description="days of data after which a run trains its models anew; 0: every run that has something new",
    )
    retained_publications: int = Field(7, ge=1, description="published sets that `lakehouse rollback` can go back to")
    retention_hours: int = Field(
        168, ge=0, description="`lakehouse maintain` leaves files that were replaced less than so long ago"
    )
    increments_from_rows: int = Field(
        100_000,
        ge=0,
        description="rows below which a table is made whole: a merge costs as much, however small",
    )
    gender_from_names: bool = Field(
        True, description="whether given names may tell a gender that no source tells; a name alone always says so"
    )
    assume_consent: bool = Field(
        True,
        description="whether people may be contacted where no source brings consents; what a run says in its last line",
    )
    contact_cap_count: int | None = Field(
        None, ge=1, description="messages on a channel after which somebody is not contacted on it; default: no cap"
    )
    contact_cap_days: int = Field(7, ge=1, description="the days, to the run's day, in which those messages count")
    language: Language = Field(
        "en", description="of the reasons and actions in tables: en (English) or zh (Chinese); names stay English"
    )
    budget_amount: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description="money to share out among channels for 30 days, in the currency most is spent in; default: what "
        "the contacts of the last 30 days cost",
    )
    budget_minimum_share: float = Field(
        0.5, ge=0, allow_inf_nan=False, description="a channel's fewest contacts, of those of its last 30 days"
    )
    budget_maximum_share: float = Field(
        2.0, ge=0, allow_inf_nan=False, description="a channel's most contacts, of those of its last 30 days"
    )
    master_key_from: str | None = Field(
        None,
        description="where the vault's master key is: file:PATH (also a mounted secret), env:VARIABLE or "
        "kms:https://HOST/KEY (AWS's API); default: a file of the home, made by the first run",
    )
    reveal_users: str | None = Field(
        None,
        description="users of this machine, separated by commas, who may see identifiers by `lakehouse reveal`; "
        "default: the owner of the home's keys",
    )
    k_anonymity: int = Field(
        5, ge=1, description="how many people alike an export for analytics has at least of each; 1 leaves it as it is"
    )
    privacy_budget: float = Field(
        1.0,
        gt=0,
        allow_inf_nan=False,
        description="the epsilon that all noisy counts of a home may spend together, for good",
    )
    mlflow_tracking_uri: SecretStr | None = Field(
        None, description="an MLflow server; default: a SQLite file under home"
    )
    sql_users_file: Path | None = Field(
        None, description="who may log in to the SQL server: lines of `lakehouse sql-user`; default: anybody, from here"
    )
    sql_keystore: Path | None = Field(None, description="PKCS12 file with key and certificate of the SQL server")
    sql_keystore_password_file: Path | None = Field(None, description="the file with the password of that one")
    sql_memory: str = Field("1g", pattern=r"^[1-9]\d*[mg]$", description="heap of the SQL server's Java, as 1g or 768m")
    sql_kept_share: float = Field(
        0, ge=0, le=0.6, description="of that heap, for rows of gold that the analysts' server keeps in memory"
    )
    sql_timeout_seconds: int = Field(600, ge=1, description="a statement of the SQL server is ended after so long")
    sql_recycle_hours: float = Field(
        24, gt=0, description="the SQL server's Java is replaced after so long, without cutting a statement"
    )
    sql_recycle_statements: int = Field(20_000, ge=1, description="or after so many statements")
    metastore_uri: str | None = Field(
        None, description="thrift://host:port of a Hive metastore, which keeps engineers' schemas; default: none"
    )

    kube_context: str | None = Field(
        None,
        description="context of the kubeconfig (KUBECONFIG) that `lakehouse submit` uses; default: its current one",
    )
    namespace: str | None = Field(
        None, description="namespace of the release; default: that of the context, or of the pod"
    )
    release: str = Field("lakehouse", description="name of the Helm release that `lakehouse submit` runs in")
    lease: str | None = Field(
        None, description="name of the Lease that keeps runs in pods apart; default: the home's run.lock does"
    )
    lease_seconds: float = Field(
        45,
        ge=3,
        allow_inf_nan=False,
        description="without a sign of life a run is dead after so long; it ends itself after two thirds of it",
    )
    submitted_by: str | None = Field(None, description="who asked for this run; `lakehouse submit` sets it in the pod")

    @field_validator(
        "home",
        "data_dir",
        "cluster_dir",
        "jars_dir",
        "scratch_dir",
        "executor_template",
        "sql_users_file",
        "sql_keystore",
        "sql_keystore_password_file",
    )
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return path and Path(os.path.abspath(os.path.expanduser(path)))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=config_file())

    @field_validator("storage")
    @classmethod
    def _of_a_known_kind(cls, address: str | None) -> str | None:
        if address is not None and not re.fullmatch(r"(hdfs|s3a?)://[^/]+(/[^?#]*)?", address):
            raise ValueError("is no address like hdfs://host:port/folder or s3://bucket/folder")
        return address and address.rstrip("/")

    @field_validator("namespace", "release", "lease")
    @classmethod
    def _a_name_of_kubernetes(cls, name: str | None) -> str | None:
        if name is not None and not re.fullmatch(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?", name):
            raise ValueError("is no name in Kubernetes: lower-case letters, digits and -, beginning with a letter")
        return name

    @property
    def tables_uri(self) -> str:
        """Where one folder a table is, `<schema>/<table>`: a path, or an address."""
        return f"{self.storage or self.home}/tables"

    @property
    def tables_dir(self) -> Path:
        """The folder of the tables, of a home that keeps them itself."""
        return self.home / "tables"

    def table_path(self, schema: str, table: str) -> Path:
        """The folder of `schema.table`, of a home that keeps its tables itself: for who looks into the files."""
        return self.tables_dir / schema / table

    def table_uri(self, schema: str, table: str) -> str:
        """The Delta folder of `schema.table`."""
        return f"{self.vault_uri}/{table}" if schema == "vault" else f"{self.tables_uri}/{schema}/{table}"

    @property
    def vault_uri(self) -> str:
        """Where the tables of the vault are: beside the others, so that whoever lists those does not meet them."""
        return f"{self.storage or self.home}/vault"

    @property
    def keys_dir(self) -> Path:
        """The keys of the vault; in the home, wherever the tables are."""
        return self.home / "keys"

    @property
    def has_executors_elsewhere(self) -> bool:
        """Whether Spark's executors are other processes, which may not read this machine's files."""
        return not self.spark_master.startswith("local[")

    @property
    def log_dir(self) -> Path:
        return self.home / "logs"

    @property
    def reports_dir(self) -> Path:
        """Data Docs and dbt docs."""
        return self.home / "reports"

    @property
    def sample_dir(self) -> Path:
        return self.home / "sample"

    @property
    def mlflow_dir(self) -> Path:
        return self.home / "mlflow"

    @property
    def mlflow_uri(self) -> str:
        """Tracking and registry address."""
        if self.mlflow_tracking_uri is not None:
            return self.mlflow_tracking_uri.get_secret_value()
        return f"sqlite:///{self.mlflow_dir / 'mlflow.db'}"


def config_file() -> Path:
    """`LAKEHOUSE_CONFIG`, or `lakehouse.toml` in the working directory."""
    return Path(os.environ.get("LAKEHOUSE_CONFIG", "lakehouse.toml"))


def load_settings(**overrides: object) -> Settings:
    """The settings in force, with absolute paths.

    Raises:
        InputError: a value is wrong or a name is unknown; says which and where it came from.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"setting {name!r} is wrong: {first['msg'].lower()} (got {first.get('input')!r}); set "
            f"LAKEHOUSE_{name.upper()} or {name} in {config_file()}; `lakehouse config` lists all settings"
        ) from None
    except (ValueError, OSError) as error:
        raise InputError(f"{config_file()} cannot be read: {error}") from None
    except RecursionError:
        raise InputError(f"{config_file()} cannot be read: it is nested too deep") from None
