"""The files that ``reviewlens ingest`` uploads, and their keys."""

import pytest

from local.dumps import parse_mapping, plan_uploads
from local.errors import LocalStackError


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "own.csv").write_text("Opinion,Grade\nfine,4\n")
    (tmp_path / "own.csv.mapping.json").write_text('{"text": "Opinion", "rating": "Grade"}')
    (tmp_path / ".hidden").write_text("x")
    return tmp_path


def test_a_folder_and_a_list_of_its_files_plan_the_same_uploads(folder):
    (from_folder,) = plan_uploads([folder])
    (from_files,) = plan_uploads(sorted(folder.glob("own*")))
    assert from_folder == from_files
    assert from_files.key == "uploads/own.csv"
    assert b"Opinion" in from_files.mapping


def test_a_mapping_alone_is_not_ingested(folder):
    with pytest.raises(LocalStackError, match="no files to ingest"):
        plan_uploads([folder / "own.csv.mapping.json"])


def test_a_missing_mapping_file_is_reported(folder):
    with pytest.raises(LocalStackError, match="does not exist"):
        plan_uploads([folder / "none.csv.mapping.json"])


def test_a_mapping_takes_options_beside_columns():
    mapping = parse_mapping("text=Opinion, rating_scale=10, records=data.items[*]")
    assert mapping == {"text": "Opinion", "rating_scale": "10", "records": "data.items[*]"}
    with pytest.raises(LocalStackError, match="rating_scale, date_order"):
        parse_mapping("scale=10")
