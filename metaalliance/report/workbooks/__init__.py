"""Workbooks that leave the tool."""
