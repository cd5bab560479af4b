"""The extraction workbook that a team begins with."""
