"""Superset's configuration: everything that differs between installations comes by environment, secrets by file."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote


def _secret(variable: str) -> str:
    return Path(os.environ[variable]).read_text(encoding="utf-8").strip()


def _database_uri() -> str:
    """PostgreSQL where a host is given, else a SQLite file of the home: for one process on a laptop."""
    host = os.environ.get("LAKEHOUSE_SUPERSET_DATABASE_HOST")
    if not host:
        return f"sqlite:///{HOME / 'superset.db'}"
    user = quote(os.environ.get("LAKEHOUSE_SUPERSET_DATABASE_USER", "superset"), safe="")
    password = quote(_secret("LAKEHOUSE_SUPERSET_DATABASE_PASSWORD_FILE"), safe="")
    name = os.environ.get("LAKEHOUSE_SUPERSET_DATABASE_NAME", "superset")
    return f"postgresql+psycopg2://{user}:{password}@{host}/{name}"


HOME = Path(os.environ.get("LAKEHOUSE_SUPERSET_HOME", "/tmp/superset"))
HOME.mkdir(parents=True, exist_ok=True)
DATA_DIR = str(HOME)
SQLALCHEMY_DATABASE_URI = _database_uri()
SECRET_KEY = _secret("LAKEHOUSE_SUPERSET_SECRET_KEY_FILE")

# Answers are kept for five minutes, so that the tabs of a dashboard and its second reader cost the endpoint nothing; a
# publication is seen that much later, or at once by Refresh.
_KEPT = {"CACHE_TYPE": "FileSystemCache", "CACHE_DEFAULT_TIMEOUT": 300, "CACHE_THRESHOLD": 2000}
CACHE_CONFIG = {**_KEPT, "CACHE_DIR": str(HOME / "cache" / "metadata"), "CACHE_KEY_PREFIX": "metadata_"}
DATA_CACHE_CONFIG = {**_KEPT, "CACHE_DIR": str(HOME / "cache" / "data"), "CACHE_KEY_PREFIX": "data_"}

# SQL Lab asks a Hive-like endpoint again after five seconds otherwise, however short the statement was.
DB_POLL_INTERVAL_SECONDS = {"spark": 0.1, "hive": 0.1}

FEATURE_FLAGS = {"ALERT_REPORTS": False, "THUMBNAILS": False}
APP_NAME = "Lakehouse"
SQLLAB_TIMEOUT = 120
SUPERSET_WEBSERVER_TIMEOUT = 300
ROW_LIMIT = 10_000
RATELIMIT_ENABLED = True  # of log-ins; counted in the one process that serves
RATELIMIT_STORAGE_URI = "memory://"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = os.environ.get("LAKEHOUSE_SUPERSET_BEHIND_TLS", "") == "true"
ENABLE_PROXY_FIX = SESSION_COOKIE_SECURE
