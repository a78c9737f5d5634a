"""A master key sealed by a real KMS server (local-kms, AWS's API): what is in the home opens nothing without it."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.session import get_session

from lakehouse.errors import InputError
from lakehouse.privacy.keyring import initialise, open_keyring, status
from lakehouse.privacy.kms import CONTEXT
from lakehouse.settings import CHECKOUT, Settings, load_settings

PROGRAM = Path(os.environ.get("LAKEHOUSE_LOCAL_KMS", CHECKOUT / ".tools" / "local-kms"))


@dataclass
class Kms:
    """A server, and a login to it."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def client(self) -> Any:
        return get_session().create_client("kms", region_name="eu-central-1", endpoint_url=self.url)

    def start(self) -> None:
        environment = {"PORT": str(self.port), "KMS_REGION": "eu-central-1", "KMS_DATA_PATH": str(self.folder)}
        with (self.folder / "said").open("ab") as said:
            self.process = subprocess.Popen([PROGRAM], env=os.environ | environment, stdout=said, stderr=said)
        for _ in range(600):
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self.process.poll() is None, (self.folder / "said").read_text()
            time.sleep(0.1)
        raise AssertionError("local-kms does not answer")

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="module")
def kms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kms]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    server = Kms(port, tmp_path_factory.mktemp("kms"))
    for variable, value in {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}.items():
        os.environ[variable] = value
    server.start()
    server.client.create_alias(AliasName="alias/lakehouse", TargetKeyId=new_key(server))
    yield server
    server.stop()


def new_key(kms: Kms) -> str:
    return str(kms.client.create_key()["KeyMetadata"]["KeyId"])


@pytest.fixture
def house(kms: Kms, tmp_path: Path) -> Settings:
    settings = load_settings(home=tmp_path / "home", master_key_from=f"kms:{kms.url}/alias/lakehouse")
    initialise(settings)
    return settings


def test_the_home_has_only_what_the_kms_alone_opens(kms: Kms, house: Settings) -> None:
    with open_keyring(house) as keyring:
        made = keyring.keys_for(["ann", "bob"])
    with open_keyring(house) as keyring:  # nothing is remembered: the KMS is asked again
        assert keyring.held(["ann", "bob"]) == made
    sealed = base64.b64decode((house.keys_dir / "master.kms").read_text().strip(), validate=True)
    master = kms.client.decrypt(CiphertextBlob=sealed, EncryptionContext=CONTEXT)["Plaintext"]
    assert len(master) == 32
    everything = b"".join(path.read_bytes() for path in house.home.rglob("*") if path.is_file())
    for secret in (master, base64.b64encode(master), master.hex().encode(), *made.values()):
        assert secret not in everything
    assert status(house).master_key == f"KMS {kms.url}, key alias/lakehouse"
    assert (house.keys_dir / "master.kms").stat().st_mode & 0o077 == 0


def test_a_rotation_seals_a_new_master_key_and_forgets_the_old(house: Settings) -> None:
    with open_keyring(house) as keyring:
        made = keyring.keys_for(["ann"])
    before, sealed = status(house).master_ids, (house.keys_dir / "master.kms").read_text()
    with open_keyring(house) as keyring:
        keyring.rotate()
    after = status(house).master_ids
    assert len(after) == 1
    assert after != before
    with open_keyring(house) as keyring:
        assert keyring.held(["ann"]) == made
    (house.keys_dir / "master.kms").write_text(sealed)
    with pytest.raises(InputError, match="is not the one that the vault's keys are wrapped by"):
        open_keyring(house)


def test_what_was_sealed_for_something_else_is_not_opened(kms: Kms, house: Settings) -> None:
    other = kms.client.encrypt(KeyId="alias/lakehouse", Plaintext=b"k" * 32, EncryptionContext={"for": "payroll"})
    (house.keys_dir / "master.kms").write_text(base64.b64encode(other["CiphertextBlob"]).decode())
    with pytest.raises(InputError, match="does not do it: InvalidCiphertextException. May this login use the key"):
        open_keyring(house)


def test_a_key_that_is_not_there_or_switched_off_is_one_sentence(kms: Kms, house: Settings, tmp_path: Path) -> None:
    missing = load_settings(home=tmp_path / "other", master_key_from=f"kms:{kms.url}/alias/nobody")
    with pytest.raises(InputError, match="key alias/nobody, does not do it: NotFoundException"):
        initialise(missing)
    key = new_key(kms)
    off = load_settings(home=tmp_path / "off", master_key_from=f"kms:{kms.url}/{key}")
    initialise(off)
    kms.client.disable_key(KeyId=key)
    with pytest.raises(InputError, match="does not do it: DisabledException"):
        open_keyring(off)
    kms.client.enable_key(KeyId=key)
    with open_keyring(off):
        pass


def test_a_kms_that_does_not_answer_is_one_sentence_and_a_lost_file_another(kms: Kms, house: Settings) -> None:
    kms.stop()
    try:
        begun = time.perf_counter()
        with pytest.raises(InputError, match="cannot be asked: Could not connect to the endpoint URL"):
            open_keyring(house)
        assert time.perf_counter() - begun < 60
    finally:
        kms.start()
    with open_keyring(house):
        pass
    (house.keys_dir / "master.kms").unlink()
    with pytest.raises(InputError, match="without it nobody can read the vault"):
        open_keyring(house)
