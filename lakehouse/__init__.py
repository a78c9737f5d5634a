"""The platform: settings, session, landing, gates, runs and the command line."""

__version__ = "0.1.0"
