"""A run that is killed, denied or without room leaves the old results, or the new ones, whole."""

from __future__ import annotations

import json

import pytest
from fault_runs import contents, leftovers, run, spread

from metaalliance.staging import digest_of

slow = pytest.mark.slow


def moments(count, *fast):
    """Numbers of moments; all but a handful are for the slow suite."""
    return [pytest.param(i, marks=() if i in fast else slow) for i in range(count)]


def killed(scene, number):
    scene.again()
    done = scene.run(f"kill:{number}")
    assert done.code == -9
    scene.check_unmixed()


@pytest.mark.parametrize("index", moments(24, 11, 16))
def test_killed_run_is_followed_by_a_whole_one(scenes, told, index):
    scene = scenes("pool")
    killed(scene, spread(24, scene.moments)[index])
    told("killed, pool", scene.left)
    done = scene.run()
    assert (done.code, "did not write" in done.err) == (0, False)
    scene.check_complete()


@slow
@pytest.mark.parametrize("index", range(10))
def test_killed_report_is_followed_by_a_whole_one(scenes, told, index):
    scene = scenes("report")
    killed(scene, spread(10, scene.moments)[index])
    told("killed, report", scene.left)
    assert scene.run().code == 0
    scene.check_complete()


@pytest.mark.parametrize("index", moments(6, 3))
def test_killed_first_run_leaves_nothing_foreign(scenes, told, index):
    scene = scenes("pool")
    scene.clear()
    assert scene.run(f"kill:{spread(6, scene.moments_of_first)[index]}").code == -9
    assert contents(scene.out).items() <= scene.new.items()
    told("killed, first run", scene.left if contents(scene.out) else "none")
    assert scene.run().code == 0
    scene.check_complete()


def swapping(scene):
    """Kill a run when the first new file is in place, and none of the old ones is."""
    for number in range(2 * scene.moments // 3, 0, -1):
        killed(scene, number)
        if set(contents(scene.out)) == {"results.xlsx"}:
            return
    raise AssertionError("no such moment")


def test_another_command_completes_the_set(scenes):
    scene = scenes("pool")
    swapping(scene)
    words = ["export-python", "studies.csv", "-o", "out"]
    assert scene.warm.run(scene.folder, words).code == 0
    (scene.out / "analysis.py").unlink()
    scene.check_complete()


def test_file_made_since_the_kill_is_kept(scenes):
    scene = scenes("pool")
    swapping(scene)
    (scene.out / "results.json").write_text("mine")
    done = scene.run()
    assert done.code == 2
    assert "left incomplete by a run that was killed, and results.json was changed" in done.err
    assert (scene.out / "results.json").read_text() == "mine"
    assert scene.run("", "--force").code == 0
    scene.check_complete()


@pytest.mark.parametrize("index", moments(7, 1, 5))
def test_file_that_another_program_holds_undoes_the_swap(scenes, told, index):
    scene = scenes("pool")
    scene.again()
    done = scene.run(f"deny:{spread(7, scene.moves)[index]}", "--json")
    told("a file held by another program", scene.left)
    assert (done.code, done.document["error"]["code"]) == (3, "MA692")
    scene.check_untouched()


@pytest.mark.parametrize("index", moments(10, 7))
def test_full_disk_leaves_the_old_results(scenes, told, index):
    scene = scenes("pool")
    scene.again()
    done = scene.run(f"full:{spread(10, scene.moments)[index]}", "--json")
    told("full disk", scene.left)
    if done.code:
        assert (done.code, done.document["error"]["code"]) == (3, "MA692")
        assert "No space left" in done.document["error"]["message"]
        scene.check_untouched()
    else:  # all was written before
        json.loads(done.out)
        scene.check_complete()


@slow
@pytest.mark.parametrize("size", [0, 1, 50, 200, 1000, 3000, 5000, 7000, 9000, 10**7])
def test_file_that_does_not_fit_leaves_the_old_results(scenes, told, size):
    scene = scenes("pool")
    scene.again()
    done = run(scene.folder, [*scene.words, "--json"], f"size:{size}")
    told("full disk", scene.left)
    if max(map(len, scene.new.values())) > size:
        assert (done.code, done.document["error"]["code"]) == (3, "MA692")
        scene.check_untouched()
    else:
        assert done.code == 0
        scene.check_complete()


def test_what_is_on_its_way_is_not_taken_from_a_living_run(tmp_path):
    from metaalliance.staging import recover, stage_file, staging

    with staging(tmp_path) as stage:
        stage_file(stage, "a.txt", b"a")
        recover(tmp_path)
        assert digest_of(stage / "new" / "a.txt")
    assert leftovers(tmp_path) == []


def test_folder_of_a_user_with_such_a_name_is_left_alone(tmp_path):
    from metaalliance.staging import PREFIX, recover

    (tmp_path / f"{PREFIX}mine").mkdir()
    (tmp_path / f"{PREFIX}mine" / "a.txt").write_text("mine")
    recover(tmp_path)
    assert (tmp_path / f"{PREFIX}mine" / "a.txt").read_text() == "mine"
