"""The master key, which wraps all other keys: from a file, an environment variable, or what else can give one.

Several keys may be there at a time, the newest first: while keys are rotated the older ones still unwrap.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import re
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from lakehouse.errors import InputError
from lakehouse.settings import Settings

KEY_BYTES = 32
HOW_TO_MAKE_ONE = "`openssl rand -base64 32` makes one"


class KeySource(Protocol):
    """Where master keys come from."""

    name: str
    """For people: where it is, never what it is."""

    def read(self) -> list[bytes]:
        """The keys, newest first; none where there is none yet.

        Raises:
            InputError: what is there is no key, or cannot be read.
        """
        ...

    def add(self, key: bytes) -> None:
        """Put a new key before the others.

        Raises:
            InputError: only a person can do that here; says what to do.
        """
        ...

    def keep_newest(self) -> bool:
        """Forget all keys but the newest; False where only a person can."""
        ...


def key_id(key: bytes) -> str:
    """A name of a key that tells nothing about it: 16 hexadecimal digits."""
    return hmac.digest(key, b"lakehouse key id", "sha256").hex()[:16]


def new_key() -> bytes:
    """A fresh key of 256 bits."""
    return secrets.token_bytes(KEY_BYTES)


def key_source(settings: Settings) -> KeySource:
    """What setting `master_key_from` names; a file of the home where it names nothing.

    A key that the home had before the setting named another place still opens what it has wrapped.

    Raises:
        InputError: it is of no kind that is known. What it says is not repeated: it might be a key.
    """
    of_the_home = KeyFile(settings.keys_dir / "master.key")
    if settings.master_key_from is None:
        return of_the_home
    source = _named_source(settings, settings.master_key_from)
    return MovedKey(source, of_the_home) if of_the_home.path.exists() else source


def _named_source(settings: Settings, told: str) -> KeySource:
    kind, _, place = told.partition(":")
    if kind == "file" and place:
        return KeyFile(Path(os.path.abspath(os.path.expanduser(place))))
    if kind == "env" and re.fullmatch(r"\w+", place):
        return KeyVariable(place)
    if kind == "kms" and place:
        from lakehouse.privacy.kms import KmsKeys

        return KmsKeys(settings.keys_dir / "master.kms", place)
    raise InputError(
        "setting 'master_key_from' says none of file:PATH, env:VARIABLE and kms:URL, the places where a master key may "
        "be (a mounted Kubernetes secret is a file)"
    )


class KeyFile:
    """Lines of base64, newest key first; empty lines and comments (#) count for nothing."""

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, f"file {path}"

    def read(self) -> list[bytes]:
        try:
            lines = self.path.read_text(encoding="ascii").splitlines()
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError) as error:
            what = error.strerror if isinstance(error, OSError) else "it is not text"
            raise InputError(f"the master key in {self.path} cannot be read: {what}") from None
        numbered = [(number, line.strip()) for number, line in enumerate(lines, 1)]
        wanted = [(number, line) for number, line in numbered if line and not line.startswith("#")]
        return [_decoded(line, f"line {number} of {self.path}") for number, line in wanted]

    def add(self, key: bytes) -> None:
        self._write([key, *self.read()])

    def keep_newest(self) -> bool:
        try:
            self._write(self.read()[:1])
        except InputError:
            return False
        return True

    @property
    def is_open_to_others(self) -> bool:
        """Whether users of the machine other than its owner may read it."""
        return self.path.exists() and bool(self.path.stat().st_mode & 0o077)

    def _write(self, keys: list[bytes]) -> None:
        try:
            replace_lines(self.path, [base64.b64encode(key).decode() for key in keys])
        except OSError as error:
            raise InputError(
                f"{self.path} cannot be written ({error.strerror}): put a new key as its first line yourself "
                f"({HOW_TO_MAKE_ONE}), leave the older one below it, and ask again"
            ) from None


class KeyVariable:
    """An environment variable with keys in base64, separated by commas, newest first."""

    def __init__(self, variable: str) -> None:
        self.variable, self.name = variable, f"environment variable {variable}"

    def read(self) -> list[bytes]:
        told = [part.strip() for part in os.environ.get(self.variable, "").split(",")]
        return [
            _decoded(part, f"part {place} of environment variable {self.variable}")
            for place, part in enumerate(told, 1)
            if part
        ]

    def add(self, key: bytes) -> None:
        raise InputError(
            f"the master key is in environment variable {self.variable}, which only you can set: put a new key in it "
            f"({HOW_TO_MAKE_ONE}), followed by a comma and the older one if there is one, and ask again"
        )

    def keep_newest(self) -> bool:
        return False


class MovedKey:
    """A place of its own for the master key, and the file in the home where it was before.

    The next `lakehouse keys rotate` wraps everything by the key of the place and removes the home's file.
    """

    def __init__(self, source: KeySource, before: KeyFile) -> None:
        self._source, self._before, self.name = source, before, source.name

    def read(self) -> list[bytes]:
        keys = self._source.read()
        return [*keys, *(key for key in self._before.read() if key not in keys)] if keys else []

    def add(self, key: bytes) -> None:
        self._source.add(key)

    def keep_newest(self) -> bool:
        self._before.path.unlink(missing_ok=True)
        return self._source.keep_newest()


def replace_lines(path: Path, lines: Iterable[str]) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as out:
        out.writelines(f"{line}\n" for line in lines)
        out.flush()
        os.fsync(out.fileno())
    os.replace(scratch, path)


def _decoded(text: str, where: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise InputError(f"{where} is no master key: it must be {KEY_BYTES} bytes in base64; {HOW_TO_MAKE_ONE}")
    return key
