"""What a pull request does to the templates."""

import json

from scripts.release.compare_templates import compare


def write(folder, resources, name="reviewlens-prod-api"):
    (folder / "assembly").mkdir(parents=True)
    path = folder / "assembly" / f"{name}.template.json"
    path.write_text(json.dumps({"Resources": resources}))
    return folder


def test_resources_that_come_go_and_change_are_listed(tmp_path):
    def function(timeout, code):
        properties = {"Timeout": timeout, "Code": {"S3Key": code}, "Layers": [code[:1]]}
        return {"Type": "AWS::Lambda::Function", "Properties": properties}

    queue, bucket = {"Type": "AWS::SQS::Queue"}, {"Type": "AWS::S3::Bucket"}
    base = write(tmp_path / "a", {"Same": queue, "Old": bucket, "Reader": function(3, "ab")})
    changed = write(tmp_path / "b", {"Same": queue, "New": queue, "Reader": function(9, "cd")})
    assert compare(base, changed) == [
        "### reviewlens-prod-api",
        "",
        "- new: AWS::SQS::Queue `New`",
        "- **removed**: AWS::S3::Bucket `Old`",
        "- changed: AWS::Lambda::Function `Reader`: `Properties.Layers`, `Properties.Timeout`",
        "",
    ]


def test_other_code_alone_is_no_difference(tmp_path):
    def function(code):
        return {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"S3Key": code}}}

    def resources(code):
        return {"Reader": function(code), f"Version{code}": {"Type": "AWS::Lambda::Version"}}

    base, changed = (write(tmp_path / code, resources(code)) for code in "ab")
    assert compare(base, changed) == ["The templates do not differ."]
    other = write(tmp_path / "c", {"Reader": function("a")}, name="reviewlens-dev-api")
    assert "- **removed**: AWS::Lambda::Function `Reader`" in compare(base, other)
