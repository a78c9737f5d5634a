"""The users file of the SQL server: a line `user:hash` each; `scala/Passwords.scala` reads it as people log in."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets

from lakehouse.errors import InputError

ITERATIONS = 210_000
"""What OWASP advises for PBKDF2 with SHA-512, more than NIST asks with SHA-256; the server works it out once a user."""


def hashed(password: str, salt: bytes | None = None) -> str:
    """`pbkdf2_sha256$iterations$salt$hash`, salt and hash in base64.

    Raises:
        InputError: the password is empty.
    """
    if not password:
        raise InputError("a password cannot be empty")
    salt = salt or secrets.token_bytes(16)
    found = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    return f"pbkdf2_sha256${ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(found).decode()}"


def users_line(user: str, password: str) -> str:
    """A line of the users file.

    Raises:
        InputError: the name cannot be one of a user, or the password is empty.
    """
    if not re.fullmatch(r"[A-Za-z0-9_.@-]+", user):
        raise InputError(f"{user!r} cannot be a user's name: letters, digits and _ . @ - make one")
    return f"{user}:{hashed(password)}"
