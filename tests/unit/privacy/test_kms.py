"""Which addresses of a KMS are taken; what a real one does is in tests/kms."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakehouse.errors import InputError
from lakehouse.privacy.kms import KmsKeys
from lakehouse.privacy.master_key import key_source
from lakehouse.settings import load_settings


@pytest.mark.parametrize(
    ("address", "url", "key", "region"),
    [
        ("https://kms.eu-central-1.amazonaws.com/alias/lakehouse", "https://kms.eu-central-1.amazonaws.com",
         "alias/lakehouse", "eu-central-1"),
        ("https://kms-fips.us-east-2.amazonaws.com/arn:aws:kms:us-east-2:1:key/ab", "https://kms-fips.us-east-2.amazonaws.com",
         "arn:aws:kms:us-east-2:1:key/ab", "us-east-2"),
        ("https://kms.example.com:8443/ab-cd", "https://kms.example.com:8443", "ab-cd", None),
        ("http://127.0.0.1:8080/ab", "http://127.0.0.1:8080", "ab", None),
        ("http://localhost/ab", "http://localhost", "ab", None),
    ],
)  # fmt: skip
def test_an_address_is_a_service_and_a_key(
    tmp_path: Path, address: str, url: str, key: str, region: str | None
) -> None:
    source = key_source(load_settings(home=tmp_path, master_key_from=f"kms:{address}"))
    assert isinstance(source, KmsKeys)
    assert (source.url, source.key, source.region) == (url, key, region)
    assert source.read() == [], "nothing is asked where nothing is sealed"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("https://kms.example.com", "names no key of a KMS"),
        ("kms.example.com/alias/x", "names no key of a KMS"),
        ("https://me:secret@kms.example.com/x", "names no key of a KMS"),
        ("http://kms.example.com/alias/x", "would go to kms.example.com in the clear: write https"),
        ("http://10.0.0.7/alias/x", "would go to 10.0.0.7 in the clear"),
    ],
)
def test_another_address_is_refused_without_being_repeated(tmp_path: Path, address: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as refused:
        KmsKeys(tmp_path / "master.kms", address)
    assert "secret" not in str(refused.value)


def test_a_file_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "master.kms").write_text("not base64!")
    with pytest.raises(InputError, match="the sealed master key in .* cannot be read: bring back a copy"):
        KmsKeys(tmp_path / "master.kms", "http://localhost/ab").read()
