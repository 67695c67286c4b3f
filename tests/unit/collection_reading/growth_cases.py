"""Bodies of about ``size`` bytes in every format, valid and malformed, that might be slow to read.

Each builder repeats one unit, so that a body of four times the size should take four times as long.
"""

import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Iterator

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

Build = Callable[[int], bytes]

ROW = b'{"reviewText": "It works well and I like it", "overall": 5, "asin": "B1"}\n'
SPREAD = b'{"reviewText":\n"a",\n"overall":5}\n' * 30
BLOCK = (
    b"<review>\n<asin>\nB1\n</asin>\n<rating>\n5.0\n</rating>\n"
    b"<review_text>\nnice\n</review_text>\n</review>\n"
)
SNAP = b"product/productId: B1\nreview/userId: A1\nreview/score: 5.0\nreview/text: good\n\n"
CSV = b'overall,reviewText,asin\n5,"good",B1\n5,"fine",B1\n'
TSV = CSV.replace(b",", b"\t")
WRAPPED = b'{"reviews":[' + b",".join([ROW.strip()] * 20)
NEW_KEYS = b"".join(b'"%%06d_%d":1,' % number for number in range(9))
LABELS = b"__label__1 good\n" * 9


def repeat(unit: bytes, head: bytes = b"", tail: bytes = b"") -> Build:
    return lambda size: head + unit * (size // len(unit)) + tail


def in_text(unit: str) -> Build:
    def build(size: int) -> bytes:
        text = unit * (size // len(unit.encode()))
        return ROW + json.dumps({"reviewText": text}, ensure_ascii=False).encode() + b"\n"

    return build


def in_field(name: str, unit: str) -> Build:
    def build(size: int) -> bytes:
        record = {"reviewText": "x", "overall": 5, name: unit * (size // len(unit))}
        return ROW * 9 + json.dumps(record).encode() + b"\n"

    return build


def numbered(unit: bytes, head: bytes = b"", tail: bytes = b"") -> Build:
    return lambda size: head + _numbered(unit, size // len(unit)) + tail


def _numbered(unit: bytes, count: int) -> bytes:
    places = unit.count(b"%")
    return b"".join(unit % ((number,) * places) for number in range(count))


def columns(size: int) -> bytes:
    cells = {str(number): "good" for number in range(size // 24)}
    return json.dumps({"reviewText": cells, "overall": dict.fromkeys(cells, 5)}).encode()


def sparse_columns(size: int) -> bytes:
    names = {f"c{number}": {str(number): "a"} for number in range(size // 30)}
    return json.dumps(names | {"reviewText": {"0": "good"}}).encode()


def workbook(size: int) -> bytes:
    book, file = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["reviewText", "overall"])
    for number in range(size // 100):
        book.active.append([f"good {number}", 5])
    book.save(file)
    return file.getvalue()


def wide_workbook(size: int) -> bytes:
    book, file = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["reviewText", "overall"])
    book.active.append(["good", 5, *[None, 1] * min(8000, size // 100)])
    book.save(file)
    return file.getvalue()


def parquet(size: int) -> bytes:
    file, rows = io.BytesIO(), size // 60
    pq.write_table(pa.table({"reviewText": [f"ok {n}" for n in range(rows)]}), file)
    return file.getvalue()


def zipped(size: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(size // 150):
            archive.writestr(f"{number}.jsonl", ROW)
    return file.getvalue()


def tarred(size: int) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for number in range(size // 200):
            member = tarfile.TarInfo(f"{number}.jsonl")
            member.size = len(ROW)
            archive.addfile(member, io.BytesIO(ROW))
    return file.getvalue()


BODIES: dict[str, Build] = {
    "jsonl": repeat(ROW),
    "jsonl not json": repeat(b"x\n", ROW * 9),
    "jsonl braces": repeat(b"{\n", ROW * 9),
    "jsonl side by side": repeat(b"{}", ROW * 9),
    "jsonl deep list": repeat(b"[", ROW * 9 + b'{"a":'),
    "jsonl deep lists": repeat(b'{"a":' + b"[" * 90 + b"]" * 90 + b"}\n", ROW * 9),
    "jsonl digits": repeat(b"9", ROW * 9 + b'{"reviewText":"x","overall":', b"}\n"),
    "jsonl decimals": repeat(b"9", ROW * 9 + b'{"reviewText":"x","overall":0.', b"}\n"),
    "jsonl exponents": repeat(b'{"reviewText":"x","overall":1e9999}\n', ROW * 9),
    "jsonl keys": numbered(b'"k%06d":1,', ROW * 9 + b'{"reviewText":"x",', b'"z":1}\n'),
    "jsonl new keys": numbered(b'{"reviewText":"x","k%06d":1}\n', ROW * 9),
    "jsonl first keys": numbered(b'"k%06d":1,', b'{"reviewText":"x",', b'"z":1}\n'),
    "jsonl first nested keys": numbered(b'"k%06d":1,', b'{"reviewText":"x","n":{', b'"z":1}}\n'),
    "jsonl lines of new keys": numbered(b'{"reviewText":"x",' + NEW_KEYS + b'"z":1}\n'),
    "jsonl equal keys": repeat(b'"k":1,', ROW * 9 + b'{"reviewText":"x",', b'"z":1}\n'),
    "jsonl invalid utf-8": repeat(b"\xff\xc3\xa9", ROW * 9 + b'{"reviewText":"', b'"}\n'),
    "jsonl surrogates": repeat(b"\\ud800", ROW * 9 + b'{"reviewText":"', b'"}\n'),
    "jsonl blank": repeat(b"\n", ROW * 9),
    "array on one line": repeat(ROW.strip() + b",", b"["),
    "array not closed": repeat(ROW.strip()[:-1] + b",", b"["),
    "spread": repeat(b'{"reviewText":\n"a",\n"overall":5}\n', SPREAD),
    "spread not closed": repeat(b'{"reviewText":\n"a",\n', SPREAD),
    "spread quotes": repeat(b'{"reviewText":\n"a"",\n"overall":5}\n', SPREAD),
    "spread brackets": repeat(b'{"reviewText":\n"a",\n"overall":[5}\n', SPREAD),
    "spread keys": repeat(b'{"reviewText"', SPREAD),
    "spread braces": repeat(b"{\n", SPREAD),
    "spread words": repeat(b"x{}", SPREAD),
    "literals": repeat(b"{'reviewText': 'good', 'overall': 5, 'asin': 'B1'}\n"),
    "literals of a text": repeat(b"{'reviewText': 'a'}\n"),
    "literals without text": repeat(b"{'a': 1}\n", ROW * 9),
    "literal sets": repeat(b"{'a'}\n", ROW * 9),
    "literal keys": numbered(b"'k%06d':1,", b"{'reviewText': 'x',", b"}\n"),
    "literal tuples": repeat(b"(),", ROW * 9 + b"{'a': (", b")}\n"),
    "literals of names": repeat(b"{'reviewText': 'good', 'asin': B1 B}\n", ROW * 9),
    "literal list": repeat(b"1,", ROW * 9 + b"{'reviewText': 'x', 'a': [", b"]}\n"),
    "literal signs": repeat(b"-", ROW * 9 + b"{'a': ", b"1}\n"),
    "literal brackets": repeat(b"{'a':" + b"[" * 900 + b"]" * 900 + b"}\n", ROW * 9),
    "literal quotes": repeat(b"'", ROW * 9 + b"{'a': "),
    "wrapped": repeat(b"," + ROW.strip(), WRAPPED, b"]}"),
    "wrapped keys": numbered(b'"k%06d":1,', WRAPPED + b',{"reviewText":"x",', b'"z":1}]}'),
    "wrapped nested": repeat(b',{"a":', WRAPPED),
    "wrapped lists": repeat(b"[", WRAPPED + b'],"x":'),
    "wrapped escapes": repeat(b"\\", WRAPPED + b'],"'),
    "json lists": repeat(b"["),
    "json objects": repeat(b'{"a":'),
    "json commas": repeat(b'{"a":1,"b":'),
    "json index": numbered(b'"k%06d":{"reviewText":"x"},', b"{", b'"z":{"reviewText":"x"}}'),
    "json columns": columns,
    "json sparse columns": sparse_columns,
    "blocks": repeat(BLOCK),
    "blocks not closed": repeat(b"<review>\n", BLOCK),
    "blocks cut": repeat(b"\n<review", BLOCK),
    "block without end": repeat(b"abcd efgh\n", BLOCK + b"<review>\n"),
    "block elements": numbered(b"<a%05d></a>", BLOCK + b"<review>", b"</review>"),
    "block nested": repeat(b"<a>", BLOCK + b"<review>", b"</review>"),
    "block comments": repeat(b"<!-- ", BLOCK, BLOCK),
    "block roots": repeat(b"<data>", BLOCK, BLOCK),
    "key-value": repeat(SNAP),
    "key-value without end": repeat(b"review/text: a\n", SNAP * 4),
    "key-value continued": repeat(b"abc\n", SNAP * 4 + b"review/text: a\n"),
    "key-value keys": numbered(b"key%05d: v\n", SNAP * 4, b"\n"),
    "key-value blank": repeat(b"\n  ", SNAP, b"x"),
    "fasttext": repeat(b"__label__1 good stuff\n"),
    "fasttext labels": repeat(b"__label__1 ", LABELS),
    "fasttext gaps": repeat(b" \t,", LABELS + b"__label__1"),
    "csv": repeat(b'5,"good, nice",B1\n', CSV),
    "csv quotes": repeat(b'"', CSV),
    "csv quote lines": repeat(b'"\n', CSV),
    "csv not closed": repeat(b'5,"good\n', CSV),
    "csv open": repeat(b"a\n", CSV + b'5,"'),
    "csv reopened": repeat(b'5,x","b\n', CSV),
    "csv inner quotes": repeat(b'5,"a"b,B1\n', CSV),
    "csv commas": repeat(b",", CSV),
    "csv lines of commas": repeat(b",,,\n", CSV),
    "csv classic line ends": repeat(b"5,a,b\r", CSV.replace(b"\n", b"\r")),
    "csv invalid utf-8": repeat(b"5,\xff\xc3,B1\n", CSV),
    "csv header": numbered(b",c%05d", b"reviewText", b"\na,b\n"),
    "csv equal names": repeat(b",c", b"reviewText", b"\na,b\n"),
    "csv headers": repeat(CSV.split(b"\n")[0] + b"\n", CSV),
    "csv long header": repeat(b"x", b"reviewText,a"),
    "tsv quotes": repeat(b'5\t"a\tB1\n', TSV),
    "utf-16": lambda size: (CSV.decode() + "5,a,b\n" * (size // 12)).encode("utf-16"),
    "xlsx": workbook,
    "xlsx wide": wide_workbook,
    "parquet": parquet,
    "zip": zipped,
    "tar": tarred,
    "gzip members": lambda size: gzip.compress(ROW) * (size // 50),
    "gzip members of a byte": lambda size: gzip.compress(ROW) + gzip.compress(b"x") * (size // 2),
}

FIELDS: dict[str, Build] = {
    f"{name} {unit!r}": in_field(name, unit)
    for name, units in {
        "overall": ["1", " ", "a ", "1 of ", "*", "5 stars "],
        "vote": ["1 ", "1,", " ", "people ", "a ", "[1] "],
        "reviewTime": ["1", "a ", "- ", "01/", " ", "May "],
        "asin": ["a", "0", ".0", " "],
        "summary": ["a ", "<b ", "&"],
    }.items()
    for unit in units
}

UNITS = [
    *("<", "</", "<a ", "<a b=", "<a b=xx ", "<!--", "<!-- -", "<br>", "&", "&a", "&#", "&#1;"),
    *("&amp;amp;", "&abcdefgh;", "[[", "[[ ", "[[VIDEO", "[[VIDEOID:", "[[ASIN:a ", "\\", '\\"'),
    *(" ", "\n", "\t\x00", "a", "a ", "1", "_", "'", "a'", "a-", "A.", ".", "!)", "- ", "; "),
    *("a b c but d e f ", "a1 ", "ies ", "\u200b", "\u3164", "\ufe0f", "é", "e\u0301"),
    *("@", "@a", "@a ", "a@", "a@b.", "www.", "https://", "an ", "black ", "gay man "),
    *("\u0301", "\u0301\u0316", "\u0f73", "\u1100\u1161", "\u1e9b\u0323", "\ufdfa", "½", "日"),
    *("😀", "👨\u200d", "👍🏽", "🇩", "❤\ufe0f"),
]  # fmt: skip


def texts() -> Iterator[tuple[str, Build]]:
    for unit in UNITS:
        yield repr(unit), in_text(unit)
