"""Every code is explained, every explained code is used, and a code has one severity."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import metaalliance
from metaalliance.messages import MESSAGES, severity_of

PACKAGE = Path(metaalliance.__file__).parent
CODE = re.compile(r"\bMA\d{3}\b")
SOURCE = {path: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
USED = {code for text in SOURCE.values() for code in CODE.findall(text)}


@pytest.mark.parametrize("code", sorted(USED))
def test_used_code_is_explained(code):
    assert code in MESSAGES


@pytest.mark.parametrize("code", sorted(MESSAGES))
def test_explained_code_is_used(code):
    assert code in USED


def test_a_code_is_written_once():
    texts = [p.read_text(encoding="utf-8") for p in (PACKAGE / "messages").glob("*.txt")]
    heads = [c for text in texts for c in re.findall(r"^(MA\d+) \w+: ", text, flags=re.MULTILINE)]
    assert sorted(heads) == sorted(MESSAGES)


@pytest.mark.parametrize("code", sorted(MESSAGES))
def test_code_has_the_usual_form(code):
    assert CODE.fullmatch(code)


@pytest.mark.parametrize("code", sorted(MESSAGES))
def test_message_is_complete(code):
    message = MESSAGES[code]
    assert message.title
    assert message.explanation.endswith(".")


@pytest.mark.parametrize("code", sorted(MESSAGES))
def test_title_is_no_sentence(code):
    title = MESSAGES[code].title
    assert not title.endswith(".")
    assert len(title) < 80


@pytest.mark.parametrize("code", sorted(MESSAGES))
def test_severity(code):
    assert severity_of(code) in {"error", "warning", "note"}


def test_unknown_code_is_no_severity():
    with pytest.raises(KeyError):
        severity_of("MA000")
