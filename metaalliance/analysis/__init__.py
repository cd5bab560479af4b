"""An analysis as a value: a sheet, what its rows are worth, and what is fitted to them."""
