"""Of statements that wait for a core the oldest is served first, however many were asked before."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from lakehouse.settings import CHECKOUT
from tests.sql.servers import home_with_gold

PROGRAM = """
import sys
from pathlib import Path
from lakehouse.scratch import renew_scratch_folder
from lakehouse.session import settle_environment
from lakehouse.settings import load_settings
from lakehouse.sql_server.backend import Backend

settings = load_settings(home=Path(sys.argv[1]))
renew_scratch_folder(settings)
settle_environment()
spark = Backend(settings, "analyst", 0).spark
spark.sparkContext.setJobGroup("stages", "of twelve statements")
for _ in range(12):
    spark.sql("select id % 3, count(*) from range(0, 9, 1, 2) group by 1").collect()
tracker = spark.sparkContext.statusTracker()
jobs = [tracker.getJobInfo(job) for job in tracker.getJobIdsForGroup("stages")]
print("stages:", *sorted({stage for job in jobs for stage in job.stageIds}))
"""


def test_names_of_stages_are_in_the_order_of_their_age(tmp_path: Path) -> None:
    home = home_with_gold(tmp_path / "home").home
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(home)], cwd=CHECKOUT, check=True, capture_output=True, text=True
    )
    (told,) = [line for line in done.stdout.splitlines() if line.startswith("stages: ")]
    stages = told.split()[1:]
    assert len(stages) >= 12
    names = [f"TaskSet_{stage}.0" for stage in stages]  # as Spark's fair pool compares them
    assert names == sorted(names)
