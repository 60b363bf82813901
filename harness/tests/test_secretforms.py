"""What looks like a secret is masked, and what names it stays readable."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from metaflow_backends.keys import PREFIX, generate
from pytest_metaflow_backends.redact import MASK, Redactor
from pytest_metaflow_backends.secretforms import SecretForms

NOTHING = Redactor.from_environment({})

FORMS = {
    "aws key id": "id AKIAIOSFODNN7EXAMPLE.",
    "our own key": f"key={generate()}",
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
    PREFIX,
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


PIECES = [
    *("AKIA", "asia", "0123456789ABCDEF", "mfx_", "0" * 16, "ghp_", "gho", "_", "github_pat_"),
    *("a" * 20, "xoxb-", "1234567890", "eyJ", "abcdefgh.", "Authorization", "AUTHORIZATION: "),
    *("bearer ", "=", ": ", "X-Nomad-Token", "x-api-key=", "token: ", "client-key-data: "),
    *("-----BEGIN ", "PRIVATE KEY-----", "-----END ", "https://", "user:", "p@ss", "@host"),
    *("\n", " ", "own-1234"),
]


@given(st.lists(st.sampled_from(PIECES)))
def test_forms_that_a_text_cannot_hold_are_not_missed(parts):
    """In a text with another letter than ASCII, which may be alike, all of them are looked for."""
    forms = SecretForms([r"own-\d+"])
    text = "".join(parts)
    expected = forms.masked(f"{text} ä")

    actual = f"{forms.masked(text)} ä"

    assert expected == actual


PASSWORDS = ["pa/ss", "pa:ss", "pa@ss", "pa/ss:wo@rd", "@@@@", "p?a#ss/", "8080:x", "pa'ss"]


@pytest.mark.parametrize("password", PASSWORDS)
def test_a_password_in_a_url_is_masked_whatever_it_holds(password):
    actual = NOTHING(f"see postgres://user:{password}@host:5432/db now")

    assert actual == f"see postgres://user:{MASK}@host:5432/db now"


@pytest.mark.parametrize(
    "text",
    [
        "http://host:8080/a/b?mail=me@example.org",
        "http://127.0.0.1:4646/v1/job/x@2",
        "git+https://host:443/x.git@main",
        "see http://host: me@example.org",
        "http://host/a:b@c",
    ],
)
def test_a_port_and_a_path_are_no_password(text):
    assert NOTHING(text) == text


def test_of_several_urls_each_keeps_its_host():
    actual = NOTHING('amqp://u:one@h1,amqp://u:two@h2 {"a":"redis://:three@h3/0","m":"x@y"}')

    assert (
        actual == f'amqp://u:{MASK}@h1,amqp://u:{MASK}@h2 {{"a":"redis://:{MASK}@h3/0","m":"x@y"}}'
    )


def test_many_urls_cost_seconds_at_most():
    started = time.process_time()

    NOTHING("a://b:" * 100_000 + ("a://b:" + "c" * 300) * 3_000)

    assert time.process_time() - started < 20
