"""Exports of other programs as coding workbooks, one module for each house."""
