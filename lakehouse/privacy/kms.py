"""The master key, kept sealed in the home by a key that never leaves a KMS: envelope encryption by the API of AWS KMS.

`kms:https://kms.eu-central-1.amazonaws.com/alias/lakehouse` names the service and the key there. The home has
`keys/master.kms`, a line a master key, newest first: what the KMS made of it (`Encrypt`), which only the KMS opens
(`Decrypt`). Who may do so is decided there, and written down there. The login is what botocore finds: variables,
profile, a pod's or machine's role.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from lakehouse.errors import InputError
from lakehouse.privacy.master_key import KEY_BYTES, replace_lines

T = TypeVar("T")
CONTEXT = {"lakehouse": "master key"}
"""What a sealed key is bound to: nothing else that the same key of the KMS sealed is opened for this."""
SECONDS = 10


class KmsKeys:
    """Lines of base64 that a KMS sealed, newest first.

    Args:
        path: the file of the home.
        address: URL of the service, with the id, alias or ARN of the key as its path.

    Raises:
        InputError: the address names no key, or would send the master key over a network in the clear.
    """

    def __init__(self, path: Path, address: str) -> None:
        told = urlsplit(address)
        self.path, self.key = path, unquote(told.path.strip("/"))
        if told.scheme not in ("http", "https") or not told.hostname or not self.key or told.username or told.query:
            raise InputError(
                "setting 'master_key_from' names no key of a KMS: write kms:https://HOST/KEY, as "
                "kms:https://kms.eu-central-1.amazonaws.com/alias/lakehouse"
            )
        if told.scheme == "http" and not _is_here(told.hostname):
            raise InputError(f"the master key would go to {told.hostname} in the clear: write https")
        self.url = f"{told.scheme}://{told.netloc}"
        self.name = f"KMS {self.url}, key {self.key}"
        region = re.match(r"kms(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.", told.hostname)
        self.region = region.group(1) if region else None

    def read(self) -> list[bytes]:
        keys = []
        for number, sealed in enumerate(self._sealed(), 1):
            about = {"CiphertextBlob": sealed, "KeyId": self.key, "EncryptionContext": CONTEXT}
            key = self._ask(lambda kms, about=about: kms.decrypt(**about)["Plaintext"])  # type: ignore[misc]
            if len(key) != KEY_BYTES:
                raise InputError(f"key {number} of {self.path} is no master key: the KMS opened it to {len(key)} bytes")
            keys.append(bytes(key))
        return keys

    def add(self, key: bytes) -> None:
        sealed = self._ask(
            lambda kms: kms.encrypt(KeyId=self.key, Plaintext=key, EncryptionContext=CONTEXT)["CiphertextBlob"]
        )
        self._write([sealed, *self._sealed()])

    def keep_newest(self) -> bool:
        self._write(self._sealed()[:1])
        return True

    def _sealed(self) -> list[bytes]:
        try:
            lines = self.path.read_text(encoding="ascii").split()
            return [base64.b64decode(line, validate=True) for line in lines]
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError, binascii.Error):
            raise InputError(f"the sealed master key in {self.path} cannot be read: bring back a copy of it") from None

    def _write(self, sealed: list[bytes]) -> None:
        try:
            replace_lines(self.path, [base64.b64encode(one).decode() for one in sealed])
        except OSError as error:
            raise InputError(f"{self.path} cannot be written ({error.strerror})") from None

    def _ask(self, what: Callable[[Any], T]) -> T:
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.session import get_session

        session = get_session()
        waits = Config(connect_timeout=SECONDS, read_timeout=SECONDS, retries={"total_max_attempts": 3})
        region = self.region or session.get_config_variable("region") or "us-east-1"
        try:
            client = session.create_client("kms", region_name=region, endpoint_url=self.url, config=waits)
            return what(client)
        except ClientError as error:
            told = error.response.get("Error", {})
            raise InputError(
                f"{self.name}, does not do it: {told.get('Code')}. May this login use the key, and is it the key that "
                f"sealed {self.path}?"
            ) from None
        except BotoCoreError as error:
            why = str(error).splitlines()[0]
            raise InputError(f"{self.name}, cannot be asked: {why}") from None


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
