import base64
import hashlib

import pytest

from lakehouse.errors import InputError
from lakehouse.sql_server.passwords import hashed, users_line


def test_a_hash_is_the_published_one_of_its_password_and_salt() -> None:
    name, iterations, salt, found = hashed("s3cret", b"0123456789abcdef").split("$")
    wanted = hashlib.pbkdf2_hmac("sha256", b"s3cret", b"0123456789abcdef", 210_000)
    assert (name, iterations, base64.b64decode(salt)) == ("pbkdf2_sha256", "210000", b"0123456789abcdef")
    assert base64.b64decode(found) == wanted


def test_one_password_has_two_hashes() -> None:
    assert hashed("s3cret") != hashed("s3cret")


def test_a_line_names_the_user() -> None:
    assert users_line("anna.b", "s3cret").startswith("anna.b:pbkdf2_sha256$")


@pytest.mark.parametrize("name", ["", "a:b", "a b", "a\nroot:x"])
def test_a_name_that_would_break_the_file_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="cannot be a user's name"):
        users_line(name, "s3cret")


def test_an_empty_password_is_refused() -> None:
    with pytest.raises(InputError, match="cannot be empty"):
        hashed("")
