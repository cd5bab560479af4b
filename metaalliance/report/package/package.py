"""A workbook as the parts of its archive, with relationships and content types."""

from __future__ import annotations

import io
import posixpath
import zipfile
from collections.abc import Callable
from typing import NamedTuple
from xml.sax.saxutils import quoteattr

from metaalliance.report.package.markup import Element, as_utf8, children, fragment, splice

CONTENT_TYPES = "[Content_Types].xml"
MAIN = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_RELATIONSHIPS = "http://schemas.openxmlformats.org/package/2006/relationships"
_EMPTY = fragment(
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    f'<Relationships xmlns="{_RELATIONSHIPS}"></Relationships>'
)
_EPOCH = (2000, 1, 1, 0, 0, 0)


class Relation(NamedTuple):
    """What one part says of another: id, last word of the type, and the name of the part."""

    id: str
    kind: str
    target: str


class Package:
    """The parts of a workbook by name, in their order."""

    def __init__(self, content: bytes) -> None:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [e for e in archive.infolist() if not e.is_dir()]
            self._dates = {e.filename: e.date_time for e in entries}
            self.parts = {e.filename: archive.read(e) for e in entries}
        (root,) = (r for r in self.relations("") if r.kind == "officeDocument")
        self.workbook = root.target
        document = self._elements(_relations_of(""), "Relationship")
        kinds = (e.attributes["Type"] for e in document if e.attributes["Id"] == root.id)
        #: What types of relationships begin with; strict files have another one.
        self.base = next(kinds).rpartition("/")[0]

    def xml(self, name: str) -> bytes:
        """Return a part whose places can be counted in bytes."""
        return as_utf8(self.parts[name])

    def relations(self, part: str) -> list[Relation]:
        """Return what a part is related to inside the archive; "" is the package itself."""
        if _relations_of(part) not in self.parts:
            return []
        found = []
        for element in self._elements(_relations_of(part), "Relationship"):
            a = element.attributes
            if a.get("TargetMode") != "External":
                target = posixpath.join("/" + posixpath.dirname(part), a["Target"])
                target = posixpath.normpath(target).lstrip("/")
                found.append(Relation(a["Id"], a["Type"].rpartition("/")[2], target))
        return found

    def related(self, part: str, kind: str) -> str | None:
        """Return the part of a kind that another is related to, if there is one."""
        known = (r.target for r in self.relations(part) if r.kind == kind)
        return next((target for target in known if target in self.parts), None)

    def add(
        self, owner: str, kind: str, pattern: str, content: bytes, content_type: str
    ) -> tuple[str, str]:
        """Add a part that another one is related to; return its name and the relationship's id.

        `pattern` is the name of the part with `{}` for a number that is free.
        """
        taken = {name.lower() for name in self.parts}
        name = next(n for i in range(1, len(taken) + 2)
                    if (n := pattern.format(i)).lower() not in taken)  # fmt: skip
        self.parts[name] = content
        if name.endswith(".vml"):
            self._declare("Default", "Extension", "vml", content_type)
        else:
            self._declare("Override", "PartName", f"/{name}", content_type)
        return name, self._relate(owner, kind, name)

    def _relate(self, owner: str, kind: str, target: str) -> str:
        relations = _relations_of(owner)
        xml = as_utf8(self.parts.get(relations, _EMPTY))
        root, inner = children(xml)
        taken = {e.attributes.get("Id") for e in inner}
        free = next(i for n in range(1, len(taken) + 2) if (i := f"rId{n}") not in taken)
        relation = (
            f'<{root.prefix}Relationship Id="{free}" Type="{self.base}/{kind}" '
            f"Target={quoteattr('/' + target)}/>"
        )
        self.parts[relations] = splice(xml, [root.append(xml, fragment(relation))])
        return free

    def _declare(self, tag: str, key: str, name: str, content_type: str) -> None:
        xml = self.xml(CONTENT_TYPES)
        root, inner = children(xml)
        known = {e.attributes.get(key, "").lower() for e in inner if e.name == tag}
        if name.lower() not in known:
            entry = f'<{root.prefix}{tag} {key}={quoteattr(name)} ContentType="{content_type}"/>'
            # A default stands before the overrides in the files of other programs.
            place = root.append(xml, fragment(entry))
            if tag == "Default" and inner:
                place = (inner[0].start, inner[0].start, fragment(entry))
            self.parts[CONTENT_TYPES] = splice(xml, [place])

    def content_types(self) -> dict[str, str]:
        """Return the content type of each part that declares its own."""
        found = self._elements(CONTENT_TYPES, "Override")
        return {e.attributes["PartName"].lstrip("/"): e.attributes["ContentType"] for e in found}

    def set_content_type(self, part: str, content_type: str) -> None:
        """Declare a part as something else."""
        xml = self.xml(CONTENT_TYPES)
        self.parts[CONTENT_TYPES] = splice(
            xml,
            [
                e.change(xml, ContentType=content_type)
                for e in self._elements(CONTENT_TYPES, "Override")
                if e.attributes["PartName"].lstrip("/") == part
            ],
        )

    def drop(self, unwanted: Callable[[str], bool]) -> None:
        """Take parts away with everything that names them."""
        gone = {name for name in self.parts if unwanted(name)}
        if not gone:
            return
        gone |= {_relations_of(name) for name in gone} & set(self.parts)
        for name in gone:
            del self.parts[name]
        for owner in ["", *self.parts]:
            self._forget(owner, {r.id for r in self.relations(owner) if r.target in gone})
        names = {f"/{name}" for name in gone}
        self._cut(CONTENT_TYPES, lambda e: e.attributes.get("PartName") in names)

    def _forget(self, owner: str, ids: set[str]) -> None:
        if ids:
            self._cut(_relations_of(owner), lambda e: e.attributes.get("Id") in ids)

    def _cut(self, part: str, unwanted: Callable[[Element], bool]) -> None:
        xml = self.xml(part)
        inner = children(xml)[1]
        self.parts[part] = splice(xml, [(e.start, e.stop, b"") for e in inner if unwanted(e)])

    def _elements(self, part: str, name: str) -> list[Element]:
        return [e for e in children(self.xml(part))[1] if e.name == name]

    def to_bytes(self) -> bytes:
        """Return the archive."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, content in self.parts.items():
                entry = zipfile.ZipInfo(name, date_time=self._dates.get(name, _EPOCH))
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, content)
        return buffer.getvalue()


def _relations_of(part: str) -> str:
    folder, name = posixpath.split(part)
    return posixpath.join(folder, "_rels", f"{name}.rels")
