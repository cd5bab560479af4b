"""Rules about a sheet: its layout, its rows, its studies."""
