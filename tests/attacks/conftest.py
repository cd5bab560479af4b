"""Readers and runners for tests that attack the package."""

from __future__ import annotations

import signal

import pytest
from attack_examples import GOOD
from openpyxl import Workbook

import metaalliance as ma


@pytest.fixture
def load(tmp_path):
    def read(text, name="t.csv", **options):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return ma.load_studies(path, **options)

    return read


@pytest.fixture
def xlsx(tmp_path):
    def read(sheets, change=None, **options):
        book = Workbook()
        book.remove(book.active)
        for title, rows in sheets.items():
            sheet = book.create_sheet(title)
            for row in rows:
                sheet.append(list(row))
        if change:
            change(book)
        path = tmp_path / "t.xlsx"
        book.save(path)
        return ma.load_studies(path, **options)

    return read


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "good.csv"
    path.write_text(GOOD)
    return path


class TimeOutError(Exception):
    pass


@pytest.fixture
def within():
    """Stop what takes longer than some seconds."""

    def limit(seconds):
        def stop(*_):
            raise TimeOutError

        signal.signal(signal.SIGALRM, stop)
        signal.alarm(seconds)

    yield limit
    signal.alarm(0)
