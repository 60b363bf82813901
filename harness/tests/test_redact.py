from __future__ import annotations

import base64
import html
import json
import pprint
import re
import textwrap
import time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_metaflow_backends import unseen
from pytest_metaflow_backends.redact import MASK, Redactor
from pytest_metaflow_backends.report.text import plain

NOTHING = Redactor.from_environment({})


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


AWKWARD = "pä55/wörd+\"&<\\t> x'y"
SPELLED = {
    "json": json.dumps(AWKWARD)[1:-1],
    "json, not ascii": json.dumps(AWKWARD, ensure_ascii=False)[1:-1],
    "json in json": json.dumps(json.dumps(AWKWARD))[3:-3],
    "repr": repr(AWKWARD)[1:-1],
    "url": quote(AWKWARD),
    "url, all of it": quote(AWKWARD, safe=""),
    "form": quote_plus(AWKWARD),
    "url in lower case": re.sub("%..", lambda m: m.group().lower(), quote(AWKWARD, safe="")),
    "html": html.escape(AWKWARD),
    "json in upper case": json.dumps(AWKWARD)[1:-1]
    .replace("u00e4", "u00E4")
    .replace("00f6", "00F6"),
    "repr of bytes": repr(AWKWARD.encode())[2:-1],
    "ascii": ascii(AWKWARD)[1:-1],
    "pytest's name for text": AWKWARD.encode("unicode_escape").decode(),
    "pytest's name for bytes": AWKWARD.encode().decode("ascii", "backslashreplace"),
    "xml, only ascii": AWKWARD.encode("ascii", "xmlcharrefreplace").decode(),
    "base64 for urls": base64.urlsafe_b64encode(AWKWARD.encode()).decode().rstrip("="),
}


@pytest.mark.parametrize("text", SPELLED.values(), ids=SPELLED)
def test_a_secret_is_masked_however_it_is_spelled(text):
    redact = Redactor.from_environment({"MY_PASSWORD": AWKWARD})

    actual = redact(f"[{text}]").lower()

    assert "pä55" not in actual
    assert "55/w" not in actual
    assert "rd+" not in actual
    assert MASK in actual
    assert len(actual) <= len(f"[{MASK}q]")  # base64 ends with a part of what stands behind


def test_the_halves_that_pytest_leaves_of_a_long_value_are_masked():
    redact = Redactor.from_environment({"MY_TOKEN": "abcdefghij0123456789"})

    actual = redact("assert 'abcdefghi...456789' == 'abcd' or ...89 of abcdefghij0... or 01234...")

    assert actual == (f"assert '{MASK}...{MASK}' == 'abcd' or ...89 of {MASK}... or 01234...")


def test_colours_do_not_hide_a_secret_and_stay_where_there_is_none():
    redact = Redactor.from_environment({"MY_TOKEN": "abcdefghij"})

    assert redact("\x1b[1mabc\x1b[31mdefg\x1b[0mhij!") == f"{MASK}!"
    assert redact("\x1b[1mabc\x1b[0m") == "\x1b[1mabc\x1b[0m"


def test_each_line_of_a_secret_is_one():
    redact = Redactor.from_environment({"MY_SECRET": "first line\nsecond line"})

    actual = redact("> second line <\n> first line <")

    assert actual == f"> {MASK} <\n> {MASK} <"


def test_what_is_learned_later_is_masked_in_texts_and_leaves_names_of_tests_alone():
    """Plans are written before backends are up; a name that changed would be `not reported`."""
    redact = Redactor.from_environment({}).settle()
    redact.learn({"environment": {"AWS_SECRET_ACCESS_KEY": "minioadmin"}}, [{"PORT": "123456"}])

    assert redact("minioadmin at 123456") == f"{MASK} at 123456"
    assert redact.name("test_minioadmin") == "test_minioadmin"


def test_one_expression_finds_the_longest_of_many_secrets():
    redact = Redactor()
    redact.learn({f"T{n}_TOKEN": f"secret-{'x' * n}" for n in range(40)})

    actual = redact("secret-xxx secret- secret-xxxxx")

    assert actual == " ".join([MASK] * 3)


def test_an_ellipsis_on_every_place_costs_seconds_at_most():
    redact = Redactor()
    redact.learn({f"T{n}_TOKEN": f"{n:02d}abcdefghijklmnopqrstuvwxyz" * 3 for n in range(10)})
    started = time.process_time()

    redact("01ab ..." * 20_000)

    assert time.process_time() - started < 20


PARTING = {
    "what tput sgr0 says": "\x1b(B\x1b[m",
    "a link": "\x1b]8;;http://x\x1b\\",
    "a title without end": "\x1b]0;t\x07",
    "a private string": "\x1bPq\x1b\\",
    "an eight-bit escape": "\x9b0m",
    "colours by colons": "\x1b[38:2::1:2:3m",
    "a control character": "\x01",
    "a form feed": "\x0c",
    "NUL": "\x00",
    "an eight-bit control": "\x85",
    "right to left": "\u202d",
    "an isolate": "\u2066",
    "no width": "\u200b",
    "soft hyphen": "\xad",
    "byte order mark": "\ufeff",
    "several": "\x1b[0m\u200b\x1b(B",
}


@pytest.mark.parametrize("parting", PARTING.values(), ids=PARTING)
@pytest.mark.parametrize("secret", ["abcdefghij0123", "ghp_0123456789ABCDEFGHIJ0123"])
def test_nothing_that_a_report_takes_out_hides_a_secret(parting, secret):
    redact = Redactor.from_environment({"MY_TOKEN": "abcdefghij0123", "OTHER_TOKEN": "abcdef"})
    text = f"é \x1b[1mx {secret[:6]}{parting}{secret[6:]} y\n"

    actual = redact(text)

    assert plain(actual) == f"é x {MASK} y\n"
    assert secret[6:] not in actual


@given(st.lists(st.sampled_from([*PARTING.values(), *"\x1b[0;m]", "abc123", "xyz", "\n"])))
def test_no_report_puts_a_secret_together(parts):
    redact = Redactor.from_environment({"A_TOKEN": "abc123", "B_TOKEN": "abc123xyz"})

    actual = redact("".join(parts))

    assert "abc123" not in plain(actual)
    assert "abc123" not in actual


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[31;1abcdefghij",  # an escape that a tail has cut: its last letter would be ours
        "\x1babcdefghij",
        "\x1b]0;abcdefghij\x07",
        "abcde\x1b]0;abcdefghij\x07fghij",
        "x\x01AKIAIOSFODNN7EXAMPLE",
    ],
)
def test_an_escape_takes_no_part_of_a_secret_away(text):
    redact = Redactor.from_environment({"MY_TOKEN": "abcdefghij"})

    for actual in (redact(text), plain(redact(text))):
        assert "bcdefghij" not in actual
        assert "AKIA" not in actual


def test_a_secret_that_holds_what_is_not_seen_is_one_with_and_without_it():
    redact = Redactor.from_environment({"MY_TOKEN": "abc\x1b[0mdef\u200bghi"})

    assert redact("abc\x1b[0mdef\u200bghi abcdefghi") == f"{MASK} {MASK}"


def test_a_secret_of_short_lines_is_found_at_any_end_of_line():
    redact = Redactor.from_environment({"MY_TOKEN": "abc\ndef\n"})

    assert redact("abc\r\ndef, abc\rdef, abc\ndef") == f"{MASK}, {MASK}, {MASK}"


@pytest.mark.slow
def test_a_line_of_ten_megabytes_with_colours_takes_seconds():
    redact = Redactor.from_environment({"MY_TOKEN": "abcdefghij"})
    started = time.process_time()

    redact("\x1b[31mabcde\x1b[0mfgh of a text that is not secret\n" * 200_000)

    assert time.process_time() - started < 60


LONG = "".join(chr(33 + n * 41 % 94) for n in range(150))
WRAPPED = {
    "by base64(1)": lambda data: base64.encodebytes(data).decode(),
    "by openssl": lambda data: "\n".join(textwrap.wrap(base64.b64encode(data).decode(), 64)),
    "by MIME": lambda data: base64.encodebytes(data).decode().replace("\n", "\r\n"),
    "for URLs": lambda data: "\n".join(textwrap.wrap(base64.urlsafe_b64encode(data).decode(), 72)),
    "indented": lambda data: textwrap.indent(base64.encodebytes(data).decode(), "    "),
    "in a traceback": lambda data: textwrap.indent(base64.encodebytes(data).decode(), "E       "),
    "in repr": lambda data: repr(base64.encodebytes(data)),
    "in JSON": lambda data: json.dumps(base64.encodebytes(data).decode()),
    "in JSON, CRLF": lambda data: json.dumps(
        base64.encodebytes(data).decode().replace("\n", "\r\n")
    ),
    "in JSON in JSON": lambda data: json.dumps(json.dumps(base64.encodebytes(data).decode())),
    "as a list": lambda data: json.dumps(base64.encodebytes(data).decode().split(), indent=2),
    "by pprint": lambda data: pprint.pformat(base64.encodebytes(data)),
    "in colours": lambda data: base64.encodebytes(data).decode().replace("\n", "\x1b[0m\n\x1b[32m"),
}


@pytest.mark.parametrize("secret", [LONG, LONG[:20]], ids=["long", "short"])
@pytest.mark.parametrize("wrapped", WRAPPED.values(), ids=WRAPPED)
def test_base64_in_lines_hides_no_secret_wherever_it_lies(wrapped, secret):
    redact = Redactor.from_environment({"MY_TOKEN": secret})

    for before in range(0, 70, 3 if len(secret) > 100 else 1):
        text = wrapped(b"\xfa" * before + secret.encode() + b"\xfb" * 100)
        actual = redact(f"said:\n{text}\nthe end")
        base64_only = re.sub(r"(\\+[nr])|(?m:^E )|\x1b\[[0-9]+m|[^A-Za-z0-9+/_-]", "", actual)
        sure = base64.b64encode(b"\0" * (-before % 3) + secret.encode() + b"\0\0")
        for part in (sure[4:-8], secret.encode()):
            assert part.decode() not in base64_only.replace("-", "+").replace("_", "/")
        assert MASK in actual
        assert actual.endswith("the end")


def test_lines_that_are_long_words_stay_as_they_are():
    redact = Redactor.from_environment({"MY_TOKEN": "abcdefghij"})
    text = f"{'x' * 76}\n{'y' * 76}\nabcdefg"

    assert redact(text) == text
    assert redact(f"{text}\nabcdefghij") == f"{text}\n{MASK}"


BREAKS = ["\n", "\r\n", "\\n", "\\\\n", "\\r\\n", "\\r", "\\", "'", '"', ",", " ", "E  ", "b'", "|"]


@given(st.lists(st.sampled_from([*BREAKS, "A" * 31, "A" * 32, "b", "-_/+", "="])))
def test_breaks_are_found_sooner_and_no_other_ones(parts):
    text = "".join(parts)
    expected = [found.span() for found in unseen._WRAP.finditer(text)]

    actual = list(unseen._wraps(text))

    assert expected == actual


@pytest.mark.slow
def test_ten_megabytes_of_base64_in_lines_take_seconds():
    redact = Redactor.from_environment({"MY_TOKEN": "abcdefghij"})
    text = f"{'ABCabc123/' * 7}\n" * 40_000
    started = time.process_time()

    redact(text)

    assert time.process_time() - started < 60


@pytest.mark.parametrize(
    "name",
    ["DB_PASS", "db_pass", "SMTP_PWD", "MY_PASSPHRASE", "PASSPHRASE_FILE", "GPG_PASSPHRASE_2"],
)
def test_a_variable_whose_name_says_password_in_other_words_is_secret(name):
    assert Redactor.from_environment({name: "abcdefghij"})("abcdefghij") == MASK


@pytest.mark.parametrize("name", ["PWD", "OLDPWD", "PASS_THROUGH", "COMPASS", "BYPASS"])
def test_a_variable_that_only_sounds_like_it_is_none(name):
    assert Redactor.from_environment({name: "/home/me"})("/home/me") == "/home/me"
