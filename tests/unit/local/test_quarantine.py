"""The quarantine lists the files that were moved there, oldest first."""

import json

import pytest

from local.quarantine import Quarantine


@pytest.fixture
def quarantine(tmp_path):
    return Quarantine(tmp_path / "quarantine")


def test_files_of_one_second_are_listed_in_the_order_of_their_moves(quarantine, tmp_path):
    names = [f"{number:02}.json" for number in (7, 3, 9, 1, 8, 2, 6, 4, 0, 5)]
    for name in names:
        (tmp_path / name).write_text("{")
        quarantine.move(tmp_path / name, "it is not JSON")
    entries = list(quarantine.entries())
    assert [entry.path for entry in entries] == [str(tmp_path / name) for name in names]
    moments = [entry.at for entry in entries]
    assert moments == sorted(set(moments))


def test_a_file_that_an_earlier_release_moved_is_listed_first(quarantine, tmp_path):
    (tmp_path / "new").write_text("{")
    quarantine.move(tmp_path / "new", "it is not JSON")
    (newer,) = quarantine.entries()
    name = f"{newer.name[:15]}-ffffffff-old"
    entry = {"name": name, "path": "/old", "reason": "it is empty", "at": newer.at[:19] + "+00:00"}
    (quarantine.folder / name).write_text("")
    (quarantine.folder / f"{name}.reason.json").write_text(json.dumps(entry))
    assert [each.path for each in quarantine.entries()] == ["/old", newer.path]
