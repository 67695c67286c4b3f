"""Which files ``reviewlens ingest`` sends, and under which keys."""

import pytest

from local.errors import LocalStackError
from local.stack.uploads import plan_uploads


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "own.csv").write_text("Opinion,Grade\nfine,4\n")
    (tmp_path / "own.csv.mapping.json").write_text('{"text": "Opinion", "rating": "Grade"}')
    (tmp_path / ".hidden").write_text("x")
    return tmp_path


def test_a_folder_and_all_of_its_files_by_name_are_the_same_dumps(folder):
    (of_folder,) = plan_uploads([folder])
    (of_names,) = plan_uploads(sorted(folder.glob("own*")))
    assert of_folder == of_names
    assert of_names.key == "uploads/own.csv"
    assert b"Opinion" in of_names.mapping


def test_a_mapping_alone_is_nothing_to_ingest(folder):
    with pytest.raises(LocalStackError, match="no file to ingest"):
        plan_uploads([folder / "own.csv.mapping.json"])


def test_a_mapping_that_is_not_there_is_told(folder):
    with pytest.raises(LocalStackError, match="does not exist"):
        plan_uploads([folder / "none.csv.mapping.json"])
