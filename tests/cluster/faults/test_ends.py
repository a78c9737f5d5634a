"""An uninstall leaves the volumes and the secret: a release of the same name has its data again."""

from __future__ import annotations

import time

from tests.cluster.faults.conftest import VALUES, undisturbed_content
from tests.cluster.faults.fault_table import Fault
from tests.cluster.faults.lanes import await_that, equal
from tests.cluster.faults.parts import proven
from tests.cluster.installation import Installation


def test_uninstalled_and_installed_again_the_data_is_there(
    current: Installation, undisturbed: dict[str, str], faults: list[Fault]
) -> None:
    current.helm("uninstall", current.release, "--wait", "--timeout", "5m")
    await_that(lambda: not current.objects("statefulsets"), 120, "the release is gone")
    assert current.objects("persistentvolumeclaims")
    started = time.monotonic()
    current.upgrade(VALUES, "install")
    seconds = time.monotonic() - started
    same = equal(undisturbed_content(current), undisturbed)
    proven(current)
    seen = "nothing is answered in between; passwords and certificates are the same"
    faults.append(
        Fault("uninstall, and install again", seen, f"{same}; `helm test` passes", f"{seconds:.0f} (install)")
    )
