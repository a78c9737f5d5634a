"""The dashboards as files, and how they get into a Superset: its REST API, any Superset of 4.1 or newer."""

from lakehouse.superset.assets import DASHBOARDS_DIR, Assets, read_assets
from lakehouse.superset.loading import Imported, import_assets

__all__ = ["DASHBOARDS_DIR", "Assets", "Imported", "import_assets", "read_assets"]
