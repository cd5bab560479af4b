#!/usr/bin/env bash
# fast-ods gives the comment of a cell in place of its text, and loses every paragraph but the first.
#
# Package   fast-ods 0.3.2 (March 2026), pure Python.
# Expected  A cell of an .ods file holds its text as text:p paragraphs. A comment is an
#           office:annotation element beside them and no part of the text. OpenDocument 1.2
#           part 1, <table:table-cell> and <office:annotation>:
#           https://docs.oasis-open.org/office/v1.2/cs01/OpenDocument-v1.2-cs01-part1.html
#           The page of the package excludes styling, formulas and metadata, not texts:
#           https://pypi.org/project/fast-ods/0.3.2/
# Seen      "therapist" with the comment "check page 12" by AB is read as "ABcheck page 12".
#           A cell of two paragraphs is read as the first alone. Nothing is said.
# Exit      0 while this stands, 1 when it has changed, 2 when it cannot be run.
set -u
unset PYTHONPATH
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
"${PYTHON:-python3}" -m venv env &&
    env/bin/pip install -qq --no-compile --disable-pip-version-check fast-ods==0.3.2 || exit 2
env/bin/python - <<'END'
import sys
import zipfile

import fast_ods

URN = "urn:oasis:names:tc:opendocument:xmlns:"
TYPE = "application/vnd.oasis.opendocument.spreadsheet"
note = "<office:annotation><dc:creator>AB</dc:creator><text:p>check page 12</text:p></office:annotation>"
cells = [
    "<text:p>patient</text:p>",
    note + "<text:p>therapist</text:p>",
    "<text:p>WAI-S</text:p><text:p>HAQ-II</text:p>",
]
rows = "".join(
    f'<table:table-row><table:table-cell office:value-type="string">{cell}</table:table-cell>'
    "</table:table-row>"
    for cell in cells
)
content = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    f'<office:document-content xmlns:office="{URN}office:1.0" xmlns:table="{URN}table:1.0"'
    f' xmlns:text="{URN}text:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' office:version="1.2"><office:body><office:spreadsheet><table:table table:name="coding">'
    f"{rows}</table:table></office:spreadsheet></office:body></office:document-content>"
)
manifest = (
    f'<?xml version="1.0"?><manifest:manifest xmlns:manifest="{URN}manifest:1.0">'
    f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{TYPE}"/>'
    '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
    "</manifest:manifest>"
)
with zipfile.ZipFile("coding.ods", "w") as archive:
    archive.writestr("mimetype", TYPE)
    archive.writestr("content.xml", content)
    archive.writestr("META-INF/manifest.xml", manifest)

seen = [row[0] for row in fast_ods.ODSParser().parse("coding.ods", convert_values=True)]
print("in the file:", ["patient", "therapist", "WAI-S\nHAQ-II"])
print("read       :", seen)
sys.exit(0 if seen == ["patient", "ABcheck page 12", "WAI-S"] else 3)
END
case $? in 0) echo "stands" ;; 3) echo "changed"; exit 1 ;; *) exit 2 ;; esac
