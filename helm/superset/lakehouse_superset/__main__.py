"""`python -m lakehouse_superset init` prepares Superset's own database, `… serve` answers on port 8088."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ADMIN = "admin"


def prepare() -> None:
    """Bring Superset's tables to this version, and give the administrator the password of the secret; safe to repeat.

    Reads `LAKEHOUSE_SUPERSET_ADMIN_PASSWORD_FILE`.
    """
    password = Path(os.environ["LAKEHOUSE_SUPERSET_ADMIN_PASSWORD_FILE"]).read_text(encoding="utf-8").strip()
    if not password:
        raise SystemExit("the file of LAKEHOUSE_SUPERSET_ADMIN_PASSWORD_FILE is empty")

    from superset.app import create_app

    app = create_app()
    with app.app_context():
        from flask_migrate import upgrade
        from superset.extensions import appbuilder, security_manager

        upgrade(
            directory=app.config.get("ALEMBIC_DIRECTORY")
            or str(Path(sys.modules["superset"].__file__ or "").parent / "migrations")
        )
        appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()
        user = security_manager.find_user(username=ADMIN)
        if user is None:
            role = security_manager.find_role(security_manager.auth_role_admin)
            security_manager.add_user(ADMIN, "Lakehouse", "Admin", "admin@lakehouse.invalid", role, password=password)
        else:
            security_manager.reset_password(user.id, password)


def serve() -> None:
    """Replace this process by gunicorn: one process, threads, so that caches and memory are there once."""
    port = os.environ.get("LAKEHOUSE_SUPERSET_LISTEN_PORT", "8088")
    threads = os.environ.get("LAKEHOUSE_SUPERSET_THREADS", "8")
    command = [sys.executable, "-m", "gunicorn", "--bind", f"0.0.0.0:{port}", "--workers", "1", "--threads", threads]
    command += [
        "--worker-class",
        "gthread",
        "--worker-tmp-dir",
        "/tmp",
        "--timeout",
        "300",
        "--access-logfile",
        "-",
        "--no-control-socket",
    ]
    os.execv(sys.executable, [*command, "superset.app:create_app()"])


if __name__ == "__main__":
    doing = {"init": prepare, "serve": serve}
    if len(sys.argv) != 2 or sys.argv[1] not in doing:
        raise SystemExit(f"python -m lakehouse_superset {'|'.join(doing)}")
    doing[sys.argv[1]]()
