"""The examples in the help of every command work, under encodings that lack our characters."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys

import pytest
from example_files import write_all
from serving import Server

from metaalliance.cli.app import COMMANDS
from metaalliance.wording.plain import plain

#: What runs until it is stopped.
SERVING = {"serve"}
EXAMPLES = [
    pytest.param(words, encoding, id=f"{encoding}: {words}")
    for name, entry in COMMANDS.items()
    for words, encoding in zip(entry.examples, ("ascii", "cp1252"), strict=True)
    if name not in SERVING
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_all(tmp_path_factory.mktemp("examples"))


def run(words, folder, encoding, **env):
    """Run a command line in a process of its own; return code, stdout and stderr as bytes."""
    own = {k: v for k, v in os.environ.items() if k not in {"FORCE_COLOR", "COLUMNS"}}
    done = subprocess.run(
        [sys.executable, "-m", "metaalliance", *shlex.split(words)],
        cwd=folder,
        env={**own, "PYTHONIOENCODING": encoding, **env},
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_two_examples_of_itself(name):
    first, second = COMMANDS[name].examples
    assert shlex.split(first)[0] == shlex.split(second)[0] == name
    assert first != second


@pytest.mark.parametrize(("words", "encoding"), EXAMPLES)
def test_examples_work_where_characters_are_lacking(folder, words, encoding):
    code, out, err = run(words, folder, encoding)
    assert code == 0, err
    name = words.split()[0]
    if name == "convert":  # a file, whole in any encoding
        assert b"," not in out or "Dvořák" in out.decode("utf-8")
        out = b""
    for text in (out.decode(encoding), err.decode(encoding)):
        assert not re.search(r"\\[xuU][0-9a-f]{2}", text), text
        assert "\ufffd" not in text


@pytest.mark.parametrize("words", COMMANDS["serve"].examples)
def test_examples_of_the_local_page_work(tmp_path, words):
    server = Server(tmp_path, *(w for w in words.split()[1:] if w != "--no-browser"))
    assert server.url.startswith("http://127.0.0.1:")
    assert server.interrupt()[0] in {0, 130}
    server.close()


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize(
    "words",
    ["pool studies.xlsx --no-figures -q -o same", "vocabulary alliance_measure", "explain",
     "moderators studies.xlsx --no-figures -q -o same", "pool --help", "--help", "explain MA-ä"],
)  # fmt: skip
def test_only_what_an_encoding_lacks_is_replaced(folder, words, encoding):
    whole = run(words, folder, "utf-8")
    lacking = run(words, folder, encoding)
    assert lacking[0] == whole[0]
    for full, found in zip(whole[1:], lacking[1:], strict=True):
        expected = "".join(c if _has(encoding, c) else plain(c) for c in full.decode("utf-8"))
        assert found.decode(encoding) == expected


def _has(encoding, character):
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


@pytest.mark.parametrize("words", ["convert studies.xlsx", "validate old.xlsx --output-format csv"])
@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_file_on_stdout_is_whole_in_any_encoding(folder, words, encoding):
    assert run(words, folder, encoding)[1] == run(words, folder, "utf-8")[1]


def test_names_of_studies_stay_readable(folder):
    _, out, _ = run("influence studies.xlsx --all --no-figures -q -o names", folder, "ascii")
    assert b"Dvorak 2007" in out


def test_a_path_that_is_no_text_is_named(folder):
    code, _, err = run("pool missing", folder, "utf-8")
    assert (code, b"missing" in err) == (3, True)
    done = subprocess.run(
        [sys.executable, "-m", "metaalliance", "pool", b"caf\xe9.xlsx"],
        cwd=folder, capture_output=True, check=False,
    )  # fmt: skip
    assert (done.returncode, b"Traceback" in done.stderr, b"caf" in done.stderr) == (3, False, True)
