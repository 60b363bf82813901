from __future__ import annotations

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_metaflow_backends.redact import MASK, Redactor

NOTHING = Redactor.from_environment({})

FORMS = {
    "aws key id": "id AKIAIOSFODNN7EXAMPLE.",
    "github token": "ghp_0123456789abcdefghijABCDEFGHIJ",
    "fine grained token": "github_pat_11ABCDEFG0123456789_abcdefghijkl",
    "bearer": "Authorization: Bearer s3cr3t-value-123",
    "basic in json": '"authorization": "Basic dXNlcjpwYXNzd29yZA=="',
    "nomad": "X-Nomad-Token: 1f2e3d4c-aaaa-bbbb-cccc-0123456789ab",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJSMeKKF2QT4fwpM",
    "kubeconfig": "    client-key-data: LS0tLS1CRUdJTiBSU0EgUFJJVkFURQ==",
    "url": "postgres://admin:hunter2hunter2@db:5432/x",
    "private key": "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----",
}
SECRET_PARTS = (
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_0123",
    "github_pat_11",
    "s3cr3t-value-123",
    "dXNlcjpwYXNz",
    "1f2e3d4c-aaaa",
    "eyJzdWIi",
    "LS0tLS1CRUdJTi",
    "hunter2hunter2",
    "MIIEow",
)


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_a_secret_looking_form_is_masked_wherever_it_stands(text):
    actual = NOTHING(f"before {text} after")

    assert MASK in actual
    assert not [part for part in SECRET_PARTS if part in actual]
    assert actual.startswith("before ")
    assert actual.endswith(" after")


def test_what_names_the_secret_stays_readable():
    expected = f"Authorization: Bearer {MASK}"

    actual = NOTHING("Authorization: Bearer s3cr3t-value-123")

    assert expected == actual


@given(
    secret=st.text(st.characters(min_codepoint=33, max_codepoint=0x2FFF), min_size=8),
    before=st.binary(max_size=7),
    after=st.binary(max_size=7),
)
def test_a_value_of_a_secret_variable_survives_in_no_spelling(secret, before, after):
    """Proves it for the raw value and for base64 at any alignment, with anything around it."""
    redact = Redactor.from_environment({"MY_TOKEN": secret})
    encoded = base64.b64encode(before + secret.encode() + after).decode()
    inner = base64.b64encode(secret.encode()[: len(secret.encode()) // 3 * 3]).decode()

    assert secret not in redact(f"x{secret}y")
    assert MASK in redact(encoded)
    assert len(before) % 3 or inner not in redact(encoded)


def test_short_values_and_other_variables_are_left_alone():
    redact = Redactor.from_environment({"MY_TOKEN": "true", "HOME": "/home/someone"})

    actual = redact("true /home/someone")

    assert actual == "true /home/someone"


def test_patterns_of_the_matrix_are_masked_even_if_they_hold_groups():
    redact = Redactor.from_environment({}, patterns=[r"(cust)-(\d{4})"])

    actual = redact("order of cust-1234 came")

    assert actual == f"order of {MASK} came"


def test_a_line_of_ten_megabytes_takes_seconds_not_minutes():
    """The forms are bounded, so that no text can make them backtrack without end."""
    text = "a.b:c@d-----BEGIN " * 20_000 + "x" * 300_000
    started = time.process_time()

    NOTHING(text)

    assert time.process_time() - started < 20
