"""Runs of the command line in processes of their own that meet a fault at a chosen moment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from metaalliance.staging import PREFIX

ROOT = Path(__file__).parent.parent
COMMAND = [sys.executable, "-m", "metaalliance"]
HOOK = Path(__file__).parent / "faults" / "hook"
OLD = """study,r,n,outcome_direction,modality
Adler 1988,0.3,40,higher_better,CBT
Berg 1991,-0.2,50,lower_better,CBT
Cohn 1999,0.1,60,higher_better,PDT
Dorn 2004,0.4,45,higher_better,PDT
"""
NEW = OLD.replace("0.4", "0.05")
#: Correlations of three variables, as `mediation` reads them.
CORRELATIONS = "study,var1,var2,r,n\n" + "".join(
    f"{study},{pair},{r + shift:.2f},{n}\n"
    for study, shift, n in (("Adler 1988", 0.05, 60), ("Berg 1991", -0.1, 90),
                            ("Cohn 1999", 0.0, 120), ("Dorn 2004", 0.12, 70))
    for pair, r in (("severity,alliance", -0.2), ("alliance,outcome", 0.3),
                    ("severity,outcome", -0.25))
)  # fmt: skip

#: A sheet with reliabilities of the alliance.
RELIABILITIES = "study,r,n,outcome_direction,alliance_measure,alliance_reliability,alliance_items\n"
RELIABILITIES += "".join(
    f"{study},0.3,{n},higher_better,WAI,{alpha},36\n"
    for study, n, alpha in (("Adler 1988", 60, 0.93), ("Berg 1991", 90, 0.89),
                            ("Cohn 1999", 120, 0.91), ("Dorn 2004", 70, 0.95))
)  # fmt: skip

#: A command line for every command that ends by itself; {name} is a file that `folder` has made.
COMMANDS: dict[str, list[str]] = {
    "pool": ["pool", "studies.csv", "--no-figures"],
    "bias": ["bias", "studies.csv", "--no-figures"],
    "compare": ["compare", "old.csv", "studies.csv"],
    "influence": ["influence", "studies.csv", "--no-figures"],
    "mediation": ["mediation", "correlations.csv", "--mediator", "alliance", "--no-figures"],
    "moderators": ["moderators", "studies.csv", "--by", "modality", "--no-figures"],
    "components": [
        "components",
        "studies.csv",
        "--by",
        "modality",
        "--structure",
        "DIAG",
        "--no-figures",
    ],
    "reliability": ["reliability", "reliabilities.csv"],
    "multiverse": ["multiverse", "studies.csv", "--no-figures", "--vary", "tau2=REML,DL"],
    "forest": ["forest", "studies.csv"],
    "funnel": ["funnel", "studies.csv"],
    "plot": ["plot", "baujat", "studies.csv"],
    "report": ["report", "studies.csv", "--no-figures"],
    "verify": ["verify", "recorded/run.json", "studies.csv"],
    "export-r": ["export-r", "studies.csv"],
    "export-python": ["export-python", "studies.csv"],
    "example": ["example", "-o", "example.xlsx"],
    "template": ["template", "-o", "template.xlsx"],
    "init": ["init", "studies.csv"],
    "import": ["import", "studies.csv", "-o", "imported.xlsx"],
    "validate": ["validate", "studies.csv"],
    "convert": ["convert", "studies.csv"],
    "vocabulary": ["vocabulary", "modality"],
    "explain": ["explain"],
    "agree": ["agree", "old.csv", "studies.csv"],
    "reconcile": ["reconcile", "conflicts.xlsx", "-o", "team.xlsx"],
    "power": ["power", "mean", "--r", ".2", "--k", "20", "--n", "60", "--tau", ".1", "-o", "plan"],
}


@dataclass(frozen=True, slots=True)
class Run:
    """What a process did."""

    code: int
    out: str
    err: str
    moments: int = 0
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def document(self) -> Any:
        """The one JSON document on standard output; an error where there is not exactly one."""
        return json.loads(self.out)


def _environment(folder: Path, fault: str, below: Path | None, told: Path) -> dict[str, str]:
    return {
        "PYTHONPATH": os.pathsep.join([str(HOOK), str(ROOT)]),
        "PYTHONIOENCODING": "utf-8",
        "FAULT": fault,
        "FAULT_ROOT": str(below or folder),
        "FAULT_COUNT": str(told),
    }


def _moments(told: Path) -> int:
    moments = int(told.read_text()) if told.exists() else 0
    told.unlink(missing_ok=True)
    return moments


def begin(prepare: Callable[[], None] | None = None) -> None:
    """Take every signal, which a shell or nohup may have let processes ignore; then prepare."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    if prepare is not None:
        prepare()


def run(
    folder: Path,
    words: Sequence[str],
    fault: str = "",
    *,
    below: Path | None = None,
    prepare: Callable[[], None] | None = None,
    **streams: Any,
) -> Run:
    """Run a command in a folder, with a fault.

    Parameters
    ----------
    fault : str
        See `faults/hook/sitecustomize.py`.
    below : Path, optional
        Where operations on files are moments; by default anywhere in the folder.
    prepare : callable, optional
        Called in the process before it begins.
    """
    told = folder / "moments.txt"
    done = subprocess.run(
        [*COMMAND, *words],
        cwd=folder,
        env={**os.environ, **_environment(folder, fault, below, told)},
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=300,
        preexec_fn=lambda: begin(prepare),
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams},
    )
    return Run(done.returncode, done.stdout or "", done.stderr or "", _moments(told))


class Warm:
    """Runs without the seconds of their imports, each a process of its own all the same.

    Parameters
    ----------
    folder : Path
        A place for it.
    words : list of str
        A command that imports what the runs need; its sheet is `studies.csv`.
    """

    def __init__(self, folder: Path, words: Sequence[str]) -> None:
        folder.mkdir()
        (folder / "studies.csv").write_text(OLD, encoding="utf-8")
        self._folder = folder
        self._server = subprocess.Popen(
            [sys.executable, str(HOOK.parent / "warm.py"), *words],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(
        self, folder: Path, words: Sequence[str], fault: str = "", *, below: Path | None = None
    ) -> Run:
        """Run a command in a folder, with a fault; see `run`."""
        told, out, err = (self._folder / n for n in ("moments.txt", "out.txt", "err.txt"))
        request = {
            "cwd": str(folder),
            "words": list(words),
            "env": _environment(folder, fault, below, told),
            "out": str(out),
            "err": str(err),
        }
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(f"{json.dumps(request)}\n")
        self._server.stdin.flush()
        code = int(self._server.stdout.readline())
        texts = (path.read_text(encoding="utf-8") for path in (out, err))
        return Run(code, *texts, _moments(told))

    def close(self) -> None:
        """End the process."""
        self._server.communicate()


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder that a user sees, without the name of the folder in it."""
    return {
        name: path.read_bytes().replace(str(folder).encode(), b"")
        for path in folder.rglob("*")
        if path.is_file() and PREFIX not in (name := path.relative_to(folder).as_posix())
    }


def leftovers(folder: Path) -> list[Path]:
    """Staging folders of runs that are gone."""
    return list(folder.rglob(f"{PREFIX}*"))


def spread(count: int, moments: int) -> list[int]:
    """Choose moments evenly from the first to the last."""
    if moments <= count:
        return list(range(1, moments + 1))
    return [1 + round(i * (moments - 1) / (count - 1)) for i in range(count)]


class Scene:
    """A folder of results of an older sheet, and what a whole run on the newer one leaves.

    Parameters
    ----------
    folder : Path
        A place for it.
    words : list of str
        A command that writes into `out`.
    """

    def __init__(self, folder: Path, words: Sequence[str]) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.words, self.out = folder, list(words), folder / "out"
        self.warm = Warm(folder / "warm", words)
        self.sheet = folder / "studies.csv"
        self.sheet.write_text(NEW, encoding="utf-8")
        counted = self.run("count:0")
        assert counted.code == 0, counted.err
        self.new = contents(self.out)
        self.moments_of_first = counted.moments
        self.begin()
        self.old = contents(self.out)
        self.sheet.write_text(NEW, encoding="utf-8")
        self.moments = self.run("count:0").moments
        self.again()
        self.moves = self.run("count-moves:0").moments
        assert contents(self.out) == self.new
        assert self.old["run.json"] != self.new["run.json"]

    def run(self, fault: str = "", *words: str) -> Run:
        """Run the command with a fault among its operations on results."""
        return self.warm.run(self.folder, [*self.words, *words], fault, below=self.out)

    def begin(self) -> None:
        """Put the results of the older sheet in place, then the newer sheet."""
        self.clear()
        self.sheet.write_text(OLD, encoding="utf-8")
        done = self.run()
        assert done.code == 0, done.err
        self.sheet.write_text(NEW, encoding="utf-8")

    def clear(self) -> None:
        """Remove the results."""
        import shutil

        shutil.rmtree(self.out, ignore_errors=True)

    def again(self) -> None:
        """Put the results of the older sheet in place without a run."""
        self.clear()
        for name, content in self.old.items():
            (self.out / name).parent.mkdir(parents=True, exist_ok=True)
            (self.out / name).write_bytes(content)

    def check_unmixed(self) -> None:
        """Every file is a whole one of either set, and no two are of different sets."""
        found = contents(self.out).items()
        assert found <= self.old.items() or found <= self.new.items(), sorted(dict(found))

    @property
    def left(self) -> str:
        """Which results stand there: the old, the new, or a part of either."""
        found = contents(self.out)
        return "old" if found == self.old else "new" if found == self.new else "part"

    def check_complete(self) -> None:
        """The whole new set is there and nothing else."""
        assert contents(self.out) == self.new
        assert leftovers(self.folder) == []

    def check_untouched(self) -> None:
        """The whole old set is there and nothing else."""
        assert contents(self.out) == self.old
        assert leftovers(self.folder) == []
