"""Tables of other libraries, such as polars and pyarrow, as pandas frames."""

from __future__ import annotations

from typing import Any, TypeAlias

import pandas as pd

from metaalliance.errors import OptionError

#: A data frame of pandas, or any table with `__arrow_c_stream__`.
FrameLike: TypeAlias = Any


def pandas_frame(table: FrameLike, name: str = "frame") -> pd.DataFrame:
    """Return a table as a pandas frame.

    Parameters
    ----------
    table : DataFrame or table
        A frame of pandas, which is returned as it is, or an object that hands its columns over as
        an Arrow stream (`__arrow_c_stream__`), as tables of polars, pyarrow and duckdb do.
    name : str
        What it is called in a refusal.

    Raises
    ------
    OptionError
        For anything else; or without pyarrow, for a table that cannot list its columns itself.

    Examples
    --------
    >>> pandas_frame(pd.DataFrame({"study": ["A"]})).shape
    (1, 1)
    """
    if isinstance(table, pd.DataFrame):
        return table
    if not hasattr(table, "__arrow_c_stream__") or not hasattr(table, "columns"):
        raise OptionError(
            f"{name} is a {type(table).__name__}; a data frame (pandas, polars, pyarrow) is needed."
        )
    try:
        import pyarrow as pa
    except ImportError:
        pa = None
    if pa is not None:
        found: pd.DataFrame = pa.table(table).to_pandas()
        return found
    if hasattr(table, "iter_columns"):  # polars needs nothing else
        return pd.DataFrame({c.name: c.to_list() for c in table.iter_columns()})
    raise OptionError(
        f"{name} is a {type(table).__module__}.{type(table).__name__}, which is read with pyarrow: "
        "pip install 'metaalliance[formats]'."
    )
