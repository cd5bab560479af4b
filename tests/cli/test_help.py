"""Help, names of options and completion, as a shell and a reader of --help meet them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import defaultdict

import pytest
import typer.main
from example_files import book, rows

from metaalliance.analysis.further import KINDS
from metaalliance.cli.app import COMMANDS, app
from metaalliance.cli.arguments import PANELS
from metaalliance.messages import MESSAGES
from metaalliance.model import Model
from metaalliance.moderation.side_by_side import METHODS
from metaalliance.options import Further, FurtherTest, option_values
from metaalliance.plots.kinds import KINDS as FIGURES
from metaalliance.policy import Policy
from metaalliance.setting import settings_in

GROUP = typer.main.get_command(app)
#: Options whose help differs by what the command writes, draws or repeats; each is one thing.
SHADES = {
    "--output", "--sheet", "--force", "--all", "--seed", "--figures", "--by", "--also", "--width",
    "--level", "--rho", "--model", "--test", "--replications", "--strict", "--interval",
    "--moderator", "--title", "--column",
}  # fmt: skip


def options_of(name):
    return [
        p for p in GROUP.get_command(None, name).params
        if p.param_type_name == "option" and p.name != "help"
    ]  # fmt: skip


def shown(call, *words):
    return call(*words, "--help").stdout


def test_a_flag_means_one_thing():
    """The same words explain it wherever it stands; those that vary are listed above."""
    said = defaultdict(set)
    for name in COMMANDS:
        for option in (o for o in options_of(name) if not o.hidden):
            for flag in (o for o in option.opts if o.startswith("--")):
                said[flag].add(option.help)
    assert {flag for flag, helps in said.items() if len(helps) > 1} <= SHADES
    assert set(said) >= SHADES


def test_a_meaning_has_one_flag():
    flags = defaultdict(set)
    for name in COMMANDS:
        for option in options_of(name):
            flags[option.help].add(option.opts[-1])
    assert {h: f for h, f in flags.items() if len(f) > 1} == {}


@pytest.mark.parametrize("name", COMMANDS)
def test_former_names_are_hidden_and_do_not_clash(call, name):
    flags = {o for p in options_of(name) for o in (*p.opts, *p.secondary_opts)}
    for former in COMMANDS[name].formerly:
        assert former.flag not in flags
        assert former.now in flags
        assert f"{former.flag} " not in shown(call, name)


@pytest.mark.parametrize(
    ("words", "now", "note"),
    [
        (("report", "--no-figures", "--no-influence", "-o", "a", "--moderators", "modality"),
         ("report", "--no-figures", "--no-influence", "-o", "b", "--by", "modality"),
         "--moderators is called --by now"),
        (("report", "--no-figures", "--no-influence", "-o", "a", "--moderators="),
         ("report", "--no-figures", "--no-influence", "-o", "b", "--by", "none"),
         "--moderators is called --by now"),
        (("pool", "--no-figures", "--bootstrap", "99"),
         ("pool", "--no-figures", "--also", "wild-bootstrap", "--replications", "99"),
         "--bootstrap N is called --also wild-bootstrap now"),
        (("moderators", "--no-figures", "--min-studies", "1", "--tests", "htz,wald"),
         ("moderators", "--no-figures", "--min-studies", "1", "--also", "htz", "--also", "wald"),
         "--tests is called --also now"),
        (("moderators", "--no-figures", "--min-studies", "1", "--compare", "reference"),
         ("moderators", "--no-figures", "--min-studies", "1", "--contrasts", "reference"),
         "--compare is called --contrasts now"),
        (("forest", "-o", "a.svg", "--reference", ".3", "--reference-label", "x"),
         ("forest", "-o", "b.svg", "--published", ".3", "--published-label", "x"),
         "--reference-label is called --published-label now"),
        (("forest", "-o", "a.svg", "--directions", "worse|better"),
         ("forest", "-o", "b.svg", "--sides", "worse|better"), "--directions is called --sides"),
    ],
    ids=lambda words: " ".join(words[:1]) if isinstance(words, tuple) else "",
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")
def test_former_names_do_what_those_of_today_do(call, nested, tmp_path, words, now, note):
    """With a note; the numbers and the files are the same."""
    then, today = (call(one[0], nested, *one[1:]) for one in (words, now))
    assert (then.exit_code, today.exit_code) == (0, 0), then.output
    assert f"note: {note}" in then.stderr
    assert "is called" not in today.stderr
    assert then.stdout == today.stdout
    if (tmp_path / "a.svg").exists():
        assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_former_names_of_planning_and_of_moderators_in_a_figure(call, nested):
    plan = ("power", "mean", "--r", ".2", "--k", "20", "--n", "60", "--tau", ".1", "--json")
    then = call(*plan, "-o", "a", "--effects", "3")
    today = call(*plan, "-o", "b", "--effects-per-study", "3")
    assert then.stdout == today.stdout
    sheet = book(nested.with_name("studies.xlsx"), rows())
    drawn = call("plot", "coefficients", sheet, "--columns", "modality,year", "-o", "c.svg")
    assert (drawn.exit_code, "--columns is called --by now" in drawn.stderr) == (0, True)
    for number, words in enumerate(((), ("--title", "coefficients"))):
        kept = call("plot", "forest", nested, "--columns", "n", *words, "-o", f"f{number}.svg")
        assert (kept.exit_code, "is called" in kept.stderr) == (0, False)
    both = call("plot", "coefficients", sheet, "--columns", "year", "--by", "modality")
    assert (both.exit_code, "give --by alone" in both.stderr) == (2, True)


def test_former_bootstrap_is_of_the_wild_bootstrap_alone(call, tmp_path):
    sheet = book(tmp_path / "studies.xlsx", rows())

    def replications(*words):
        done = call("pool", sheet, "--no-figures", "-q", "--json", "--force", *words)
        assert done.exit_code == 0, done.output
        found = json.loads(done.stdout)
        wild = found.get("wild_bootstrap", {}).get("replications")
        return wild, found.get("further", {}).get("permutation", {}).get("replications")

    assert "--bootstrap" not in shown(call, "pool")
    alone = replications("--also", "permutation")
    assert alone[1] > 50
    assert replications("--bootstrap", "50", "--also", "permutation") == (50, alone[1])
    assert replications("--bootstrap", "0", "--also", "permutation") == alone
    assert replications("--bootstrap", "50", "--replications", "120", "--also", "permutation") == (
        50,
        120,
    )
    assert replications("--bootstrap", "0", "--also", "wild-bootstrap") == (999, None)
    wrong = call("pool", sheet, "--no-figures", "--bootstrap", "-1")
    assert (wrong.exit_code, "at least 1 is needed" in wrong.stderr) == (2, True)


def test_words_behind_two_hyphens_are_never_renamed(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = call("forest", "-o", "a.svg", "--", "--reference")
    assert (done.exit_code, "There is no file --reference." in done.stderr) == (3, True)
    assert "is called" not in done.stderr


def test_former_name_without_its_value_is_told_of_the_name_of_today(call, nested):
    done = call("forest", nested, "--reference")
    assert done.exit_code == 2
    assert "--reference is called --published now" in done.stderr
    assert re.search("'?--published'? requires an argument", done.stderr)


def test_options_are_grouped_by_where_their_setting_is_declared(call):
    text = shown(call, "pool")
    blocks = dict(re.findall(r"^(\S[^\n]*):\n((?:  .*\n)+)", text, re.MULTILINE))
    listed = {title: set(re.findall(r"^  (--[\w-]+)", b, re.MULTILINE)) for title, b in
              blocks.items()}  # fmt: skip
    assert listed[PANELS["Model"]] == {s.flag for s in settings_in(Model)}
    assert listed[PANELS["Policy"]] == {s.flag for s in settings_in(Policy)}
    assert {"--json", "--sheet"} <= listed[PANELS["Request"]]
    assert list(blocks)[-1] == "Examples"


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_descriptions_are_whole(call, name):
    text = " ".join(shown(call, *([name] if name else [])).split())
    told = [e.about for e in COMMANDS.values()] if not name else [COMMANDS[name].about]
    told += [] if not name else [p.help for p in options_of(name) if not p.hidden]
    for sentence in told:
        assert " ".join(sentence.split()) in text
    for words in COMMANDS[name].examples if name else ():
        assert f"  metaalliance {words}\n" in shown(call, name)


def test_values_that_help_lists_are_those_that_are_taken():
    assert set(option_values(Further)) == {"wild-bootstrap", *KINDS}
    assert set(option_values(FurtherTest)) == {"all", *METHODS}


# Completion, through the process ---
def completed(line):
    """Return what bash is offered for the last word of a line."""
    words = line.split(" ")
    done = subprocess.run(
        [sys.executable, "-m", "metaalliance"],
        env={
            **os.environ,
            "_METAALLIANCE_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        },
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("metaalliance po", ["pool", "power"]),
        ("metaalliance pool --ta", ["--tau2"]),
        ("metaalliance pool --tau2 ", ["REML", "ML", "DL", "HE", "HS", "SJ", "EB", "PM", "PMM"]),
        ("metaalliance pool --tau2 P", ["PM", "PMM"]),
        ("metaalliance pool x.xlsx --measure ", ["z", "r", "r-unbiased"]),
        ("metaalliance pool x.xlsx --also wi", ["wild-bootstrap"]),
        ("metaalliance moderators x.xlsx --by alliance_r", ["alliance_rater",
                                                           "alliance_reliability"]),
        ("metaalliance forest x.xlsx --pool ", ["joint", "apart"]),
        ("metaalliance forest x.xlsx --style j", ["jama"]),
        ("metaalliance plot ", list(FIGURES)),
        ("metaalliance explain MA31", [code for code in sorted(MESSAGES) if code[:4] == "MA31"]),
        ("metaalliance vocabulary moda", ["modality"]),
        ("metaalliance report x.xlsx --moder", []),
        ("metaalliance report --moderators x --b", ["--by", "--bias", "--beta"]),
    ],
)  # fmt: skip
def test_completion_of_commands_options_and_values(line, offered):
    assert sorted(completed(line)) == sorted(offered)


@pytest.mark.parametrize("name", [n for n, c in COMMANDS.items() if c.reads])
def test_every_setting_with_few_values_completes(name):
    command = GROUP.get_command(None, name)
    few = [s for s in COMMANDS[name].reads if s.values]
    assert len(few) >= 3
    for s in few:
        option = next(p for p in command.params if s.flag in p.opts)
        found = option.shell_complete(typer.Context(command), "")
        assert [one.value for one in found] == list(s.values)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_the_script_of_a_shell_is_printed(run, shell):
    done = run(
        "--show-completion", shell, env={"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    )
    assert done.returncode == 0
    assert "_METAALLIANCE_COMPLETE" in done.stdout


def test_completion_is_installed_for_the_name_of_the_command(run, tmp_path):
    env = {"HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    assert run("--install-completion", "bash", env=env).returncode == 0
    script = (tmp_path / ".bash_completions" / "metaalliance.sh").read_text(encoding="utf-8")
    assert script.splitlines()[-1].endswith("_metaalliance_completion metaalliance")


def test_start_up_warns_of_nothing():
    for words in (["--help"], ["pool", "--help"], ["--version"]):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "metaalliance", *words],
            capture_output=True, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, b"")


def test_help_makes_no_command_but_the_one_that_is_asked_for():
    code = (
        "import sys; from metaalliance.cli import register\n"
        "made = []\n"
        "real = register._typer_function\n"
        "register._typer_function = lambda name, *a: (made.append(name), real(name, *a))[1]\n"
        "from metaalliance.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(made, file=sys.stderr)"
    )
    for words, made in ((["--help"], []), (["pool", "--help"], ["pool"])):
        done = subprocess.run(
            [sys.executable, "-c", code, *words], capture_output=True, text=True, check=True
        )
        assert done.stderr.strip() == str(made)


def test_a_value_that_is_a_former_flag_stays_a_value(run, tmp_path):
    """Words at the places of options are renamed, and no others."""
    (tmp_path / "s.csv").write_text("study,r,n\nA,.1,50\nB,.3,60\nC,.2,70\n", encoding="utf-8")
    done = run("plot", "caterpillar", "s.csv", "--title", "--reference", "-qo", "--directions",
               "--json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    figure = json.loads(done.stdout)["figure"]
    assert figure["title"] == "--reference"
    assert {p.name for p in (tmp_path / "--directions").glob("*.pdf")} == {"caterpillar.pdf"}
    assert "is called" not in done.stderr
    done = run("forest", "s.csv", "--title=--directions", "--directions", "--reference|better",
               "--json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    figure = json.loads(done.stdout)["figure"]
    assert (figure["title"], figure["directions"]) == ("--directions", ["--reference", "better"])
    assert done.stderr.count("is called") == 1
