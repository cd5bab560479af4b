"""Frames as plain rows."""

from __future__ import annotations

from typing import Any

import pandas as pd


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return one dictionary per row, with text keys and None for missing whole numbers."""
    return [
        {str(key): None if value is pd.NA else value for key, value in row.items()}
        for row in frame.to_dict("records")
    ]
