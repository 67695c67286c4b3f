"""Delivery: stages of the pipeline, assets, permissions, notifications."""

import json

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_iam as iam

from cdk.constructs.exact_actions import replace_wildcard_actions
from cdk.paths import ROOT
from scripts.release.check_assembly import MAX_MANIFEST_VERSION
from tests.infra.templates import Assembly, Template, as_list, statements

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def delivery(assembly: Assembly) -> Template:
    return next(t for t in assembly.templates if t.name == "reviewlens-delivery")


@pytest.fixture
def stages(delivery):
    (pipeline,) = delivery.all("AWS::CodePipeline::Pipeline")
    return pipeline.properties["Stages"]


def buildspec(assembly, delivery, action) -> dict:
    project = assembly.resource(delivery, action["Configuration"]["ProjectName"])
    return json.loads(project.properties["Source"]["BuildSpec"])


def action(stages, stage, name):
    (match,) = (a for s in stages if s["Name"] == stage for a in s["Actions"] if a["Name"] == name)
    return match


def test_the_pipeline_updates_itself_before_it_deploys(stages):
    assert [stage["Name"] for stage in stages] == [
        "Source",
        "Build",
        "UpdatePipeline",
        "Assets",
        "reviewlens-staging",
        "reviewlens-prod",
    ]


def test_parameters_select_the_source_and_the_template_contains_no_secret(delivery, stages):
    configuration = action(stages, "Source", "Source")["Configuration"]
    assert configuration["ConnectionArn"] == {"Ref": "ConnectionArn"}
    assert configuration["FullRepositoryId"] == {
        "Fn::Join": ["", [{"Ref": "Owner"}, "/", {"Ref": "Repository"}]]
    }
    assert configuration["BranchName"] == {"Ref": "Branch"}
    assert delivery.body["Parameters"]["Branch"]["Default"] == "main"
    assert "Default" not in delivery.body["Parameters"]["ConnectionArn"]


def test_connections_of_both_service_names_can_be_used(assembly):
    (statement,) = (s for s in statements(assembly) if "codeconnections:UseConnection" in s.actions)
    assert "codestar-connections:UseConnection" in statement.actions
    assert statement.body["Resource"] == {"Ref": "ConnectionArn"}


def test_only_checked_and_tested_code_is_delivered(assembly, delivery, stages):
    spec = buildspec(assembly, delivery, action(stages, "Build", "Synth"))
    commands = spec["phases"]["build"]["commands"]
    assert commands == [
        "make check",
        "make test",
        ".venv/bin/python scripts/release/bundle_functions.py",
        "make synth",
        ".venv/bin/python scripts/release/check_assembly.py cdk.out",
    ]
    assert spec["phases"]["install"]["runtime-versions"]["python"] == "3.12"
    assert spec["artifacts"]["base-directory"] == "cdk.out"


def test_the_pinned_cdk_assets_can_read_the_manifests(delivery):
    folder = delivery.path.parent
    commands = [
        command
        for path in folder.glob("buildspec-*.yaml")
        for command in path.read_text().splitlines()
        if "npm install" in command
    ]
    assert commands
    pinned = json.loads((ROOT / "package.json").read_text())["devDependencies"]["cdk-assets"]
    assert all(f"cdk-assets@{pinned}" in command for command in commands)
    for path in folder.rglob("*.assets.json"):
        assert int(json.loads(path.read_text())["version"].split(".")[0]) <= MAX_MANIFEST_VERSION


def test_all_scripts_of_the_builds_exist(assembly, delivery):
    for project in delivery.all("AWS::CodeBuild::Project"):
        spec = project.properties["Source"]["BuildSpec"]
        if spec.startswith("{"):
            for word in spec.replace('"', " ").split():
                if word.startswith("scripts/"):
                    assert (ROOT / word).is_file(), word


def test_images_are_scanned_first_and_production_needs_an_approval(stages):
    def order(stage, name):
        return action(stages, stage, name)["RunOrder"]

    for name in ("reviewlens-staging", "reviewlens-prod"):
        (stage,) = (s for s in stages if s["Name"] == name)
        deployments = [
            a["RunOrder"] for a in stage["Actions"] if a["ActionTypeId"]["Category"] == "Deploy"
        ]
        first = "ScanImages" if name.endswith("staging") else "Release"
        assert order(name, first) < min(deployments)
        assert max(deployments) < order(name, "PublishModel") < order(name, "SmokeTest")
    release = action(stages, "reviewlens-prod", "Release")
    assert release["ActionTypeId"]["Category"] == "Approval"


def test_the_smoke_test_gets_the_outputs_of_the_deployment(assembly, delivery, stages):
    for name, option in (("staging", ""), ("prod", " --read-only")):
        smoke = action(stages, f"reviewlens-{name}", "SmokeTest")
        environment = json.loads(smoke["Configuration"]["EnvironmentVariables"])
        outputs = {
            output: template.name.rpartition("-")[2]
            for template in assembly.templates
            if template.environment == name
            for output in template.body.get("Outputs", {})
        }
        variables = {variable["name"]: variable["value"] for variable in environment}
        assert set(variables) == {"API_URL", "API_KEY_ID", "RAW_BUCKET", "SMOKE_ROLE_ARN"}
        for value in variables.values():
            assert value.startswith("#{")
            assert value.rstrip("}").rpartition(".")[2] in outputs
        names = [variables[key].rstrip("}").rpartition(".")[2] for key in sorted(variables)]
        assert [outputs[output] for output in names] == ["api", "api", "storage", "acceptance"]
        spec = buildspec(assembly, delivery, smoke)
        assert spec["phases"]["build"]["commands"] == [
            f"python scripts/release/smoke_test.py{option}"
        ]


def test_steps_after_a_deployment_use_only_their_own_roles(assembly, delivery):
    for name in ("staging", "prod"):
        roles = {
            statement.body["Resource"]["Fn::Join"][1][-1].rpartition("/")[2]
            for statement in statements(assembly)
            if statement.resource.stack.name == "reviewlens-delivery"
            and statement.actions == ["sts:AssumeRole"]
            and "Resource" in statement.body
            and f"role/reviewlens-{name}-" in json.dumps(statement.body["Resource"])
        }
        assert roles == {f"reviewlens-{name}-smoke", f"reviewlens-{name}-publication"}
        existing = {
            role.properties.get("RoleName")
            for role in assembly.one(name, "acceptance").all("AWS::IAM::Role")
        }
        assert existing == roles


def smoke_permissions(assembly, environment):
    return [
        s
        for s in statements(assembly)
        if s.resource.stack.name == f"reviewlens-{environment}-acceptance"
        and s.resource.name.startswith("Smoke")
        and "sts:AssumeRole" not in s.actions
    ]


def test_the_smoke_test_of_production_can_upload_nothing(assembly):
    (read,) = smoke_permissions(assembly, "prod")
    assert read.actions == ["apigateway:GET"]
    assert "*" not in json.dumps(read.body["Resource"])


def test_the_smoke_test_reads_one_key_and_uploads_under_one_prefix(assembly):
    smoke_statements = smoke_permissions(assembly, "staging")
    assert {action for s in smoke_statements for action in s.actions} == {
        "apigateway:GET",
        "s3:PutObject",
        "s3:AbortMultipartUpload",
        "kms:Decrypt",
        "kms:GenerateDataKey",
    }
    (upload,) = (s for s in smoke_statements if "s3:PutObject" in s.actions)
    assert upload.body["Resource"]["Fn::Join"][1][1] == "/uploads/smoke/*"
    (read,) = (s for s in smoke_statements if "apigateway:GET" in s.actions)
    assert "/apikeys/" in json.dumps(read.body["Resource"])
    assert "*" not in json.dumps(read.body["Resource"])


def images_of(template: Template) -> set[str]:
    """The tags of all images that a template refers to."""
    text = json.dumps(template.body)
    parts = text.split("container-assets-${AWS::AccountId}-${AWS::Region}:")[1:]
    return {part[:64] for part in parts}


def test_staging_and_production_run_the_same_images_which_are_built_once(assembly, delivery):
    for stack in ("processing", "training", "api"):
        tags = images_of(assembly.one("staging", stack))
        assert tags
        assert tags == images_of(assembly.one("prod", stack)), stack
    (spec,) = delivery.path.parent.glob("buildspec-*-DockerAsset.yaml")
    published = [line for line in spec.read_text().splitlines() if "publish" in line]
    built = {line.split('"')[-2].split(":")[0] for line in published}
    required = set().union(
        *(images_of(assembly.one("prod", s)) for s in ("processing", "training", "api"))
    )
    assert required <= {tag for line in published for tag in required if tag in line}
    assert len(published) == len(set(published))
    assert built


def test_only_image_builds_are_privileged(delivery):
    privileged = [
        project.properties["Description"].rpartition("/")[2]
        for project in delivery.all("AWS::CodeBuild::Project")
        if project.properties["Environment"]["PrivilegedMode"]
    ]
    assert privileged == ["DockerAssets"]


def test_no_policy_of_the_pipeline_has_a_wildcard_action(assembly):
    for statement in statements(assembly):
        if statement.resource.stack.name == "reviewlens-delivery" and statement.resource.definition[
            "Type"
        ] == ("AWS::IAM::Policy"):
            assert not [a for a in statement.actions if "*" in a], statement


def test_the_pipeline_updates_itself_with_the_pinned_command_line(assembly, delivery, stages):
    pinned = json.loads((ROOT / "package.json").read_text())["devDependencies"]["aws-cdk"]
    spec = buildspec(assembly, delivery, action(stages, "UpdatePipeline", "SelfMutate"))
    assert spec["phases"]["install"]["commands"] == [f"npm install -g aws-cdk@{pinned}"]


def test_failures_and_pending_approvals_are_mailed(assembly, delivery):
    (rule,) = delivery.all("AWS::CodeStarNotifications::NotificationRule")
    assert set(rule.properties["EventTypeIds"]) == {
        "codepipeline-pipeline-pipeline-execution-failed",
        "codepipeline-pipeline-manual-approval-needed",
    }
    (target,) = rule.properties["Targets"]
    topic = assembly.resource(delivery, target["TargetAddress"])
    assert topic.definition["Type"] == "AWS::SNS::Topic"
    (subscription,) = delivery.all("AWS::SNS::Subscription")
    parameter = delivery.body["Parameters"][subscription.properties["Endpoint"]["Ref"]]
    assert parameter["Default"] == "/reviewlens/prod/alarm-email"


def test_an_unknown_wildcard_action_fails_synthesis():
    stack = Stack(App(), "stack")
    iam.Policy(
        stack,
        "Policy",
        statements=[iam.PolicyStatement(actions=["sqs:*"], resources=["*"])],
        users=[iam.User(stack, "User")],
    )
    replace_wildcard_actions(stack, {})
    with pytest.raises(RuntimeError, match="no exact actions are known for sqs:"):
        stack.node.root.synth()
    assert as_list(stack.node.validate()) == ["no exact actions are known for sqs:*"]


@pytest.mark.parametrize(
    ("step", "role"), [("PublishModel", "publication"), ("SmokeTest", "smoke")]
)
def test_only_the_pipeline_may_assume_the_roles_of_a_delivered_environment(
    assembly: Assembly, delivery, step, role
):
    (project,) = (
        assembly.resource(delivery, action_["Configuration"]["ProjectName"])
        for stage in delivery.all("AWS::CodePipeline::Pipeline")[0].properties["Stages"]
        for action_ in stage["Actions"]
        if stage["Name"] == "reviewlens-prod" and action_["Name"] == step
    )
    build = assembly.resource(delivery, project.properties["ServiceRole"])
    for name, trusted in (("dev", False), ("staging", True), ("prod", True)):
        (assumed,) = (
            each
            for each in assembly.one(name, "acceptance").all("AWS::IAM::Role")
            if each.properties["RoleName"] == f"reviewlens-{name}-{role}"
        )
        (statement,) = assumed.properties["AssumeRolePolicyDocument"]["Statement"]
        assert ("Condition" in statement) == trusted
        if name == "prod":
            arn = json.dumps(statement["Condition"]["ArnEquals"]["aws:PrincipalArn"])
            assert arn.count(":role/") == 1
            assert f':role/{build.properties["RoleName"]}"' in arn
