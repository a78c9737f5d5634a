"""An archive of Spark's classes: a session costs a third less CPU (docs/decisions/0005-fast-start.md).

`python -m lakehouse.archive` makes it once, at set-up, by running a small session that touches what a run touches. The
JVM checks it against its own build and the class path and goes on without it where they differ.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lakehouse.errors import LakehouseError
from lakehouse.session import archive_files, java_home, open_session
from lakehouse.settings import Settings, load_settings

TRAINING = "LAKEHOUSE_ARCHIVE_TRAINING"
STATEMENTS = (
    "create or replace table ops.a as select id, cast(id % 7 as string) k, date_sub(date'2025-12-31', int(id)) d,"
    " cast(id as decimal(18,2)) m, map('x', cast(id as string)) attributes from range(2000)",
    "create or replace table silver.b as select k, try_to_timestamp(cast(d as string)) t, to_utc_timestamp(d, 'UTC') u,"
    " lower(regexp_replace(k, '[0-9]', 'x')) r, m, row_number() over (partition by k order by d, id) n from ops.a",
    "create or replace table gold.c as select k, count(*) c, count(distinct t) dc, sum(m) m, percentile(m, 0.5) p,"
    " max_by(r, t) r, collect_list(struct(t, n)) l, ntile(5) over (order by sum(m)) q from silver.b group by k",
    "select a.k, sum(a.m), approx_percentile(c.m, 0.5) from ops.a a left join gold.c c on a.k = c.k group by a.k",
    "merge into gold.c using (select k, 1 c from ops.a group by k) s on gold.c.k = s.k"
    " when matched then update set c = 1",
    "select get_json_object(to_json(struct(*)), '$.k') from ops.a where k in (select k from gold.c)"
    " union all select 'x'",
)


def make_archive(settings: Settings) -> bool:
    """Make the archive where there is none; returns whether it was made.

    Raises:
        LakehouseError: the runtime could not write it.
    """
    base, session = archive_files(settings)
    java = java_home()
    if session.exists() or java is None:
        return False
    settings.jars_dir.mkdir(parents=True, exist_ok=True)
    command = [str(java / "bin" / "java"), "-Xshare:dump", f"-XX:SharedArchiveFile={base}"]
    _run(command, dict(os.environ))
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "LAKEHOUSE_HOME": home, TRAINING: str(session)}
        _run([sys.executable, "-m", "lakehouse.archive"], environment)
        _wait_for(session)
    return True


def touch_what_a_run_touches(settings: Settings) -> None:
    """A small session whose classes the archive then holds."""
    from pyspark.ml.classification import LogisticRegression
    from pyspark.ml.clustering import KMeans
    from pyspark.ml.feature import StandardScaler, VectorAssembler
    from pyspark.ml.recommendation import ALS

    spark = open_session(settings)
    for statement in STATEMENTS:
        spark.sql(statement).collect()
    frame = spark.sql("select cast(id % 10 as int) u, cast(id % 7 as int) i, double(id % 2) label from range(200)")
    assembled = VectorAssembler(inputCols=["u", "i"], outputCol="raw").transform(frame)
    scaled = StandardScaler(inputCol="raw", outputCol="features").fit(assembled).transform(assembled).cache()
    KMeans(k=2, seed=1, maxIter=2).fit(scaled).transform(scaled).count()
    LogisticRegression(maxIter=2).fit(scaled).transform(scaled).count()
    ALS(userCol="u", itemCol="i", ratingCol="label", implicitPrefs=True, maxIter=1, rank=2).fit(frame)
    spark.stop()


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LakehouseError(f"the class archive could not be made: {done.stderr.strip()[-300:]}")


def _wait_for(archive: Path, seconds: int = 120) -> None:
    """The JVM writes the archive after Python has left it: wait until it is there and no longer grows."""
    size = -1
    for _ in range(seconds):
        now = archive.stat().st_size if archive.exists() else -1
        if now > 0 and now == size:
            return
        size = now
        time.sleep(1)
    raise LakehouseError(f"the class archive {archive} was not written in {seconds} s")


if __name__ == "__main__":
    if TRAINING in os.environ:
        touch_what_a_run_touches(load_settings())
    else:
        try:
            print("class archive:", "made" if make_archive(load_settings()) else "in place")
        except LakehouseError as fault:
            print(f"warning: {fault}; sessions start without it, a third slower", file=sys.stderr)
