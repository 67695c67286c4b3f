"""Archives: tar and zip are read member by member."""

import bz2
import gzip
import io
import json
import lzma
import tarfile
import zipfile

import openpyxl
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import IngestError
from tests.unit.collection_reading.conftest import read_all

LAYERS = {
    "none": bytes,
    "gzip": lambda body: gzip.compress(body, 1, mtime=0),
    "bzip2": bz2.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "xz": lambda body: lzma.compress(body, preset=0),
}


def jsonl(name, count):
    rows = [
        {"reviewText": f"Review {name} {n}", "overall": n % 5 + 1, "asin": "B1"}
        for n in range(count)
    ]
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def csv(name, count):
    rows = (f"Opinion {name} {n},{n % 5 + 1}\n" for n in range(count))
    return ("text,rating\n" + "".join(rows)).encode()


def tarred(members, form=tarfile.GNU_FORMAT):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as archive:
        for name, body in members:
            entry = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))
    return file.getvalue()


def zipped(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members:
            archive.writestr(name, body)
    return file.getvalue()


ARCHIVES = {"tar": tarred, "zip": zipped}


def members_of(outcome):
    return outcome.dump.profile.details["members"]


def counts_of(outcome):
    return {entry["file"]: (entry["rows_read"], entry["rejected"]) for entry in members_of(outcome)}


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("kind", ARCHIVES)
@pytest.mark.parametrize("chunk", [None, 100])
def test_each_member_is_a_dump_of_its_own(read, kind, layer, chunk):
    body = ARCHIVES[kind]([("a.jsonl", jsonl("a", 30)), ("sub/b.csv", csv("b", 20) + b"broken\n")])
    got = read(LAYERS[layer](body), chunk=chunk, batch_rows=12, name="dumps.bin")
    assert counts_of(got) == {"a.jsonl": (30, 0), "sub/b.csv": (21, 1)}
    assert got.batches == [12, 12, 6, 12, 9], "a batch holds rows of one member"
    (reject,) = got.rejects
    assert (reject.file, reject.line, reject.record) == ("dumps.bin!sub/b.csv", 22, 51)
    assert [(e["format"], e["dump_schema"]) for e in members_of(got)] == [
        ("jsonl", "amazon2014"),
        ("csv", "mapped"),
    ]
    assert got.dump.profile.compression == (kind if layer == "none" else f"{layer}+{kind}")
    assert (got.dump.profile.format, got.dump.profile.dump_schema) == ("mixed", "mixed")
    assert got.warnings == []


@pytest.mark.parametrize("inner", LAYERS)
@pytest.mark.parametrize("kind", ARCHIVES)
def test_a_member_may_be_compressed(read, kind, inner):
    got = read(ARCHIVES[kind]([("a", LAYERS[inner](csv("a", 9))), ("b", csv("b", 8))]))
    assert counts_of(got) == {"a": (9, 0), "b": (8, 0)}


@pytest.mark.parametrize(
    "form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT], ids=str
)
def test_long_names_of_tar_are_read(read, form):
    name = "/".join(["a long folder name"] * 5 + ["é" * 20 + ".csv"])
    got = read(gzip.compress(tarred([(name, csv("a", 3)), ("b", csv("b", 2))], form)))
    assert counts_of(got) == {name: (3, 0), "b": (2, 0)}


def test_a_v7_tar_without_magic_is_detected(read):
    body = bytearray(tarred([("a.csv", csv("a", 3))], tarfile.USTAR_FORMAT))
    body[257:265] = bytes(8)
    body[148:156] = b" " * 8
    body[148:156] = b"%06o\0 " % sum(body[:512])
    assert counts_of(read(bytes(body))) == {"a.csv": (3, 0)}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_files_beside_a_dump_are_skipped_and_named(read, kind):
    beside = ["README.md", "LICENSE", "__MACOSX/._a.csv", "x/.DS_Store", ".git/config"]
    members = [(name, b"text,rating\nnot a review,1\n") for name in beside]
    got = read(ARCHIVES[kind]([*members, ("./a.csv", csv("a", 3)), ("_SUCCESS", b"")]))
    assert counts_of(got) == {"./a.csv": (3, 0)}
    (warning,) = got.warnings
    assert all(name in warning for name in [*beside, "_SUCCESS"])


def test_a_dump_with_the_name_of_a_document_is_read(read):
    got = read(zipped([("readme.csv", csv("a", 3)), ("changes.jsonl.gz", csv("b", 2))]))
    assert counts_of(got) == {"readme.csv": (3, 0), "changes.jsonl.gz": (2, 0)}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_an_unreadable_member_does_not_affect_the_others(read, kind):
    image = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
    nested = ARCHIVES["tar" if kind == "zip" else "zip"]([("c.csv", csv("c", 5))])
    unknown = b"colour,size\nred,3\n"
    members = [("p.png", image), ("a.csv", csv("a", 3)), ("n", nested), ("u.csv", unknown)]
    got = read(ARCHIVES[kind]([*members, ("b.csv", csv("b", 2))]))
    errors = {entry["file"]: entry.get("error") for entry in members_of(got)}
    assert errors == {
        "p.png": "format_unknown",
        "a.csv": None,
        "n": "archive_unsupported",
        "u.csv": "schema_unknown",
        "b.csv": None,
    }
    assert got.rows_read == 5
    assert len(got.warnings) == 3
    assert any("n is not read: it is a" in warning for warning in got.warnings)


def test_a_member_that_becomes_unreadable_keeps_its_rows(read):
    parameters = zstandard.ZstdCompressionParameters.from_level(
        1, window_log=30, write_content_size=False
    )
    file = io.BytesIO()
    compressor = zstandard.ZstdCompressor(compression_params=parameters)
    with compressor.stream_writer(file, closefd=False) as writer:
        writer.write(csv("a", 30))
        writer.flush(zstandard.FLUSH_FRAME)
    member = LAYERS["zstd"](jsonl("a", 12_000)) + file.getvalue()
    got = read(tarred([("a", member), ("b", csv("b", 4))]), batch_rows=100)
    first, second = members_of(got)
    assert (first["error"], second["rows_read"]) == ("archive_unsupported", 4)
    assert first["rows_read"] > 0
    (warning,) = got.warnings
    assert warning.startswith(f"a is not read after {first['rows_read']} rows: the zstd frame")


@pytest.mark.parametrize("kind", ARCHIVES)
def test_an_archive_without_a_readable_member_fails(read, kind):
    with pytest.raises(IngestError, match=r"u\.csv") as caught:
        read(ARCHIVES[kind]([("u.csv", b"colour,size\nred,3\n"), ("README", b"x")]))
    assert caught.value.code == "schema_unknown"


def test_a_mapping_applies_to_each_member(read):
    first, second = b"Words,Stars\nlovely,5\n", b"Id,Stars,Words\n1,2,awful\n"
    got = read(zipped([("a", first), ("b", second)]), mapping={"text": "Words", "rating": "Stars"})
    assert [(row["text"], row["rating"]) for row in got.rows] == [("lovely", 5.0), ("awful", 2.0)]


def test_links_devices_and_sparse_files_are_skipped(read):
    entries = []
    for name, kind in [
        ("link.csv", tarfile.SYMTYPE),
        ("hard.csv", tarfile.LNKTYPE),
        ("null", tarfile.CHRTYPE),
        ("pipe", tarfile.FIFOTYPE),
        ("folder", tarfile.DIRTYPE),
    ]:
        entry = tarfile.TarInfo(name)
        entry.type = kind
        entry.linkname = "/etc/passwd"
        entries.append((entry, b""))
    sparse = tarfile.TarInfo("sparse.csv")
    sparse.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}
    entries += [(sparse, csv("s", 4)), ("../../etc/a.csv", csv("a", 3))]
    got = read(tarred(entries, tarfile.PAX_FORMAT))
    assert counts_of(got) == {"../../etc/a.csv": (3, 0)}
    (warning,) = got.warnings
    for text in ("link.csv (a link)", "null (a device)", "pipe (a pipe)", "sparse.csv (a sparse"):
        assert text in warning
    assert "folder" not in warning


def test_repeated_names_stay_apart(read):
    got = read(tarred([("a", csv("x", 2)), ("a", csv("y", 3))]))
    assert counts_of(got) == {"a": (2, 0), "a (2)": (3, 0)}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_too_many_members_are_refused(read, kind):
    body = ARCHIVES[kind]([(f"{n}.csv", csv(n, 1)) for n in range(6)])
    assert read(body, max_members=6).rows_read == 6
    with pytest.raises(IngestError, match=r"limit is 5|more than 5 members") as caught:
        read(body, max_members=5)
    assert caught.value.code == "decompression_limit"


def test_a_directory_of_many_empty_members_is_refused_before_it_is_loaded(read):
    with pytest.raises(IngestError, match="300000 members, the limit is 1000") as caught:
        read(zipped((f"{n}", b"") for n in range(300_000)))
    assert caught.value.code == "decompression_limit"


@pytest.mark.parametrize("kind", ARCHIVES)
def test_a_bomb_in_a_member_is_refused_by_its_name(read, kind):
    bomb = gzip.compress(csv("x", 3) + b"\n" * (4 << 20))
    body = ARCHIVES[kind]([("a.csv", csv("a", 3)), ("bomb.csv.gz", bomb)])
    with pytest.raises(IngestError, match=r"bomb\.csv\.gz: .* more than 20 times") as caught:
        read(body, ratio_floor=2**20, max_ratio=20)
    assert caught.value.code == "decompression_limit"


def test_a_bomb_that_is_skipped_is_refused_by_its_name(read):
    body = gzip.compress(tarred([("a.csv", csv("a", 3)), ("README", bytes(4 << 20))]))
    with pytest.raises(IngestError, match=r"README: .* more than 20 times"):
        read(body, ratio_floor=2**20, max_ratio=20)


def test_a_marker_in_the_end_record_does_not_hide_the_directory(read):
    body = bytearray(zipped((f"{n}", b"") for n in range(6)))
    body[-6:-2] = b"PK\x05\x06"
    with pytest.raises(IngestError, match="6 members, the limit is 5"):
        read(bytes(body), max_members=5)


@pytest.mark.parametrize("kind", ARCHIVES)
def test_an_excel_workbook_is_a_dump_and_may_be_a_member(read, kind):
    book, file = openpyxl.Workbook(), io.BytesIO()
    for row in (["text", "rating"], ["A sharp knife", 5], ["It broke", 1]):
        book.active.append(row)
    book.save(file)
    workbook = file.getvalue()
    assert read(workbook).dump.profile.compression == "none"
    got = read(ARCHIVES[kind]([("reviews.xlsx", workbook), ("a.csv", csv("a", 3))]))
    assert counts_of(got) == {"reviews.xlsx": (2, 0), "a.csv": (3, 0)}
    assert members_of(got)[0]["format"] == "xlsx"


def test_a_warning_about_several_members_is_given_once(read):
    got = read(zipped((f"{n}.csv", csv(n, 1)) for n in range(30)))
    (warning,) = got.dump.warnings
    assert "and 10 more: no column for" in warning


@pytest.mark.parametrize("kind", ARCHIVES)
def test_the_limit_on_bytes_is_for_all_members_together(read, kind):
    body = gzip.compress(ARCHIVES[kind]([(f"{n}.csv", csv(n, 500)) for n in range(10)]))
    with pytest.raises(IngestError, match="more than 50000 bytes") as caught:
        read(body, max_bytes=50_000)
    assert caught.value.code == "decompression_limit"


def test_an_extended_header_of_a_tar_is_limited(read):
    entry = tarfile.TarInfo("x")
    entry.type = tarfile.XHDTYPE
    with pytest.raises(IngestError, match="header of 2000000 bytes"):
        read(tarred([(entry, b"x" * 2_000_000), ("a.csv", csv("a", 3))]))


def test_a_damaged_header_ends_the_archive_with_a_warning(read):
    body = bytearray(tarred([("a.csv", csv("a", 3)), ("b.csv", csv("b", 3))]))
    body[1024 + 100] ^= 0xFF
    got = read(bytes(body))
    assert counts_of(got) == {"a.csv": (3, 0)}
    assert got.warnings == ["the tar archive is damaged; the rest is not read"]


def test_a_damaged_member_of_a_zip_does_not_affect_the_others(read):
    first = jsonl("a", 3000)
    body = bytearray(zipped([("a", first), ("b", csv("b", 5))]))
    body[5000] ^= 0xFF
    got = read(bytes(body))
    assert counts_of(got)["b"] == (5, 0)
    assert any("damaged" in warning for warning in got.warnings)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([jsonl, csv]), st.integers(1, 60)), min_size=1, max_size=5),
    st.sampled_from(sorted(ARCHIVES)),
    st.sampled_from(["none", "gzip", "zstd", "xz"]),
    st.integers(1, 40),
    st.floats(0.0, 1.0),
    st.booleans(),
)
def test_rows_read_is_the_sum_of_the_members_wherever_the_archive_is_cut(
    dumps, kind, layer, batch_rows, cut, is_whole
):
    members = [(f"{i}.x", make(i, count)) for i, (make, count) in enumerate(dumps)]
    body = LAYERS[layer](ARCHIVES[kind](members))
    if not is_whole:
        body = body[: int(len(body) * cut)]
    try:
        got = read_all(body, batch_rows=batch_rows)
    except IngestError:
        assert not is_whole
        return
    entries = got.dump.profile.details.get("members", [])
    assert sum(entry["rows_read"] for entry in entries) == got.rows_read == sum(got.batches)
    assert sum(entry["rejected"] for entry in entries) == len(got.rejects)
    expected = {f"{i}.x": count for i, (_, count) in enumerate(dumps)}
    for entry in entries:
        assert entry["rows_read"] <= expected[entry["file"]]
    if is_whole:
        assert {entry["file"]: entry["rows_read"] for entry in entries} == expected
        assert not got.rejects
        assert not got.warnings
