#!/usr/bin/env bash
# pandas reads TRUE of a German .ods file as False, and 15 min 30 s as half past three.
#
# Packages  pandas 3.1.1 with odfpy 1.4.1, the default reader of .ods.
# Expected  The value of a cell is its attribute office:boolean-value or office:time-value; the
#           paragraph is what was shown, in the language and format of the cell. OpenDocument
#           1.2 part 1, the attributes of <table:table-cell>:
#           https://docs.oasis-open.org/office/v1.2/cs01/OpenDocument-v1.2-cs01-part1.html
# Seen      The attribute is not looked at. The shown text is: anything but "TRUE" is False, so
#           WAHR is; a time shown as minutes and seconds, 15:30 for PT00H15M30S, becomes half past
#           three in the afternoon. Nothing is said. For the same file the other reader of pandas,
#           calamine, gives True and 00:15:30.
# Exit      0 while this stands, 1 when it has changed, 2 when it cannot be run.
set -u
unset PYTHONPATH
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
"${PYTHON:-python3}" -m venv env &&
    env/bin/pip install -qq --no-compile --disable-pip-version-check pandas==3.1.1 odfpy==1.4.1 \
        python-calamine==0.9.1 || exit 2
env/bin/python - <<'END'
import datetime as dt
import sys
import zipfile

import pandas as pd

URN = "urn:oasis:names:tc:opendocument:xmlns:"
TYPE = "application/vnd.oasis.opendocument.spreadsheet"


def cell(kind, value, shown):
    stated = f' office:{kind}-value="{value}"' if value else ""
    return (
        f'<table:table-cell office:value-type="{kind}"{stated}><text:p>{shown}</text:p>'
        "</table:table-cell>"
    )


rows = [
    [cell("string", "", "randomized"), cell("string", "", "length")],
    [cell("boolean", "true", "WAHR"), cell("time", "PT00H15M30S", "15:30")],
    [cell("boolean", "false", "FALSCH"), cell("time", "PT00H20M05S", "20:05")],
]
body = "".join(f"<table:table-row>{''.join(row)}</table:table-row>" for row in rows)
content = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    f'<office:document-content xmlns:office="{URN}office:1.0" xmlns:table="{URN}table:1.0"'
    f' xmlns:text="{URN}text:1.0" office:version="1.2"><office:body><office:spreadsheet>'
    f'<table:table table:name="coding">{body}</table:table></office:spreadsheet></office:body>'
    "</office:document-content>"
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

seen = {}
for engine in ("odf", "calamine"):
    frame = pd.read_excel("coding.ods", engine=engine)
    seen[engine] = [frame["randomized"].tolist(), frame["length"].tolist()]
    print(f"{engine:9}", seen[engine])
right = [[True, False], [dt.time(0, 15, 30), dt.time(0, 20, 5)]]
wrong = [[False, False], [dt.time(15, 30), dt.time(20, 5)]]
sys.exit(0 if seen == {"odf": wrong, "calamine": right} else 3)
END
case $? in 0) echo "stands" ;; 3) echo "changed"; exit 1 ;; *) exit 2 ;; esac
