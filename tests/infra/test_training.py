"""Training: roles of jobs, what may start them, the flow and its events."""

import json

import pytest
from botocore.session import Session
from botocore.stub import Stubber

from cdk.environments import DEV, ENVIRONMENTS
from cdk.packaging import images
from cdk.paths import ROOT
from lambdas.training.launcher import Job
from lambdas.training.sagemaker_launcher import SageMakerLauncher
from lambdas.training.sagemaker_request import build_request
from lambdas.training.settings import TrainingSettings
from sagemaker_jobs.train import container
from shared.schemas.training import TrainingParameters
from tests.infra.templates import Assembly, Statement, as_list, statements

pytestmark = pytest.mark.timeout(600)


def grants(assembly: Assembly, environment: str, role: str, action: str) -> list[Statement]:
    """Statements with an action in the policies of the training stack that belong to a role."""
    return [
        said
        for statement in statements(assembly)
        if statement.resource.stack.name == f"reviewlens-{environment}-training"
        and statement.resource.name.startswith(role)
        and action in statement.actions
    ]


def flat(value) -> str:
    return json.dumps(value)


def variables(assembly: Assembly, environment: str, stack: str, function: str) -> dict:
    (found,) = (
        f
        for f in assembly.one(environment, stack).all("AWS::Lambda::Function")
        if f.name.startswith(function)
    )
    return found.properties["Environment"]["Variables"]


def test_a_training_reads_its_data_and_writes_its_output_and_nothing_else(assembly: Assembly):
    (read,) = grants(assembly, "prod", "TrainingRole", "s3:GetObject")
    (write,) = grants(assembly, "prod", "TrainingRole", "s3:PutObject")
    prefixes = {
        kind: sorted(r["Fn::Join"][1][1] for r in as_list(statement.body["Resource"]))
        for kind, said in (("read", read), ("write", write))
    }
    assert prefixes == {
        "read": ["/training/checkpoints/*", "/training/data/*", "/training/encoders/*"],
        "write": ["/training/checkpoints/*", "/training/models/*"],
    }


@pytest.mark.parametrize("role", ["TrainingRole", "CandidateRole", "ActivationRole"])
def test_only_sagemaker_in_this_account_takes_a_role_of_jobs(assembly: Assembly, role):
    roles = assembly.one("prod", "training").all("AWS::IAM::Role")
    (found,) = (each for each in roles if each.name.startswith(role))
    (statement,) = found.properties["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    }


def test_jobs_write_logs_of_their_own_names_alone(assembly: Assembly):
    for role, begin in (
        ("TrainingRole", "reviewlens-prod-train-"),
        ("CandidateRole", "candidate-reviewlens-prod-"),
        ("ActivationRole", "activate-reviewlens-prod-"),
    ):
        (said,) = grants(assembly, "prod", role, "logs:PutLogEvents")
        assert flat(statement.body["Resource"]).endswith(f':log-stream:{begin}*"]]}}'), role


def test_only_activation_may_reach_the_database_and_stands_in_the_vpc(assembly: Assembly):
    for role, wanted in (("TrainingRole", 0), ("CandidateRole", 0), ("ActivationRole", 1)):
        assert len(grants(assembly, "prod", role, "rds-db:connect")) == wanted, role
        assert len(grants(assembly, "prod", role, "ec2:CreateNetworkInterface")) == wanted, role
    said = variables(assembly, "prod", "training", "Promotion")
    assert said["REVIEWLENS_ACTIVATION_SUBNETS"]
    assert said["REVIEWLENS_ACTIVATION_SECURITY_GROUPS"]


def test_the_api_starts_jobs_of_its_environment_alone_isolated_and_with_the_data_key(
    assembly: Assembly,
):
    for name, environment in ENVIRONMENTS.items():
        (said,) = (
            s
            for s in statements(assembly)
            if s.resource.stack.name == f"reviewlens-{name}-api"
            and "sagemaker:CreateTrainingJob" in s.actions
        )
        assert flat(statement.body["Resource"]).endswith(
            f':training-job/reviewlens-{name}-train-*"]]}}'
        )
        asked = statement.body["Condition"]
        assert asked["Bool"] == {"sagemaker:NetworkIsolation": "true"}
        assert asked["ForAllValues:StringEquals"] == {
            "sagemaker:InstanceTypes": [environment.training_instance_type]
        }
        assert "DataKey" in flat(asked["ArnEquals"]["sagemaker:OutputKmsKey"])


def test_roles_are_passed_to_sagemaker_alone(assembly: Assembly):
    passed = [
        s
        for s in statements(assembly)
        if "iam:PassRole" in s.actions and s.resource.stack.name.endswith(("-api", "-training"))
    ]
    assert passed
    for said in passed:
        assert statement.body["Condition"] == {
            "StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}
        }
        for resource in as_list(statement.body["Resource"]):
            role = assembly.resource(statement.resource.stack, resource)
            assert role.definition["Type"] == "AWS::IAM::Role"
            assert role.stack.name.endswith("-training")


def settings(assembly: Assembly, environment: str) -> TrainingSettings:
    """Those of the deployed function; an ARN stands for each reference."""
    prefix = "REVIEWLENS_"
    found = variables(assembly, environment, "api", "Training")
    given = {
        name.removeprefix(prefix).lower(): value
        if isinstance(value, str)
        else f"arn:aws:iam::123456789012:role/{name.lower()}"
        for name, value in found.items()
        if name.startswith(prefix)
    }
    return TrainingSettings(**given)


@pytest.mark.parametrize("environment", list(ENVIRONMENTS))
def test_what_the_function_asks_for_is_what_its_role_lets_through(assembly, environment):
    made = settings(assembly, environment)
    SageMakerLauncher(None, made).check_ready()
    request = build_request(made, Job("train_20261124_001", TrainingParameters()))
    assert request["TrainingJobName"] == f"reviewlens-{environment}-train-20261124-001"
    assert request["EnableNetworkIsolation"] is True
    assert request["OutputDataConfig"]["KmsKeyId"] == made.training_key_arn != ""
    # ml.g5 encrypts its own disk, and SageMaker refuses a key for it
    assert "VolumeKmsKeyId" not in request["ResourceConfig"]
    client = Session().create_client(
        "sagemaker", "eu-west-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
    with Stubber(client) as stub:  # checks the request against SageMaker's own model
        stub.add_response("create_training_job", {"TrainingJobArn": "arn:aws:sagemaker:::j"})
        client.create_training_job(**request)


def test_the_image_gets_the_hyperparameters_that_the_function_gives(assembly, tmp_path):
    asked = TrainingParameters(model_name="bert-base-uncased", epochs=2)
    job = Job("train_20261124_001", asked)
    request = build_request(settings(assembly, "prod"), job)
    file = tmp_path / "input/config/hyperparameters.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(request["HyperParameters"]))
    given = container.hyperparameters(tmp_path)
    options = dict(zip(given[::2], given[1::2], strict=True))
    assert options["--model-name"] == "bert-base-uncased"
    assert options["--epochs"] == "2"
    assert "--sagemaker_program" not in options


def test_instances_with_a_disk_of_their_own_take_no_key_and_others_do():
    from dataclasses import replace

    from aws_cdk import App
    from aws_cdk.assertions import Template

    from cdk.app import feature_flags
    from cdk.stage import ReviewlensStage

    environment = replace(DEV, name="test", training_instance_type="ml.p3.2xlarge")
    stage = ReviewlensStage(App(context=feature_flags()), environment=environment)
    functions = Template.from_stack(stage.api).find_resources("AWS::Lambda::Function")
    (training,) = (
        found["Properties"]["Environment"]["Variables"]
        for name, found in functions.items()
        if name.startswith("Training")
    )
    assert training["REVIEWLENS_TRAINING_VOLUME_KEY_ARN"] != ""
    assert training["REVIEWLENS_TRAINING_VOLUME_KEY_ARN"] == training["REVIEWLENS_TRAINING_KEY_ARN"]


def test_the_flow_starts_with_each_completed_training_of_its_environment(assembly: Assembly):
    for name in ENVIRONMENTS:
        template = assembly.one(name, "training")
        (rule,) = template.all("AWS::Events::Rule")
        pattern = rule.properties["EventPattern"]
        assert pattern["detail"] == {
            "TrainingJobStatus": ["Completed"],
            "TrainingJobName": [{"prefix": f"reviewlens-{name}-train-"}],
        }
        (target,) = rule.properties["Targets"]
        machine = assembly.resource(template, target["Arn"])
        assert machine.definition["Type"] == "AWS::StepFunctions::StateMachine"
        assert target["InputTransformer"]["InputPathsMap"] == {
            "detail-TrainingJobName": "$.detail.TrainingJobName"
        }
        assert target["InputTransformer"]["InputTemplate"] == (
            '{"training_job":<detail-TrainingJobName>}'
        )
        assert "DeadLetterConfig" in target


def test_the_flow_is_the_one_that_tests_run_and_logs_and_traces_itself(assembly: Assembly):
    from cdk.stacks.training import FLOW

    template = assembly.one("prod", "training")
    (machine,) = template.all("AWS::StepFunctions::StateMachine")
    said = machine.properties
    assert json.loads(said["DefinitionString"]) == json.loads(FLOW.read_text())
    substituted = said["DefinitionSubstitutions"]["PromotionFunction"]
    assert assembly.resource(template, substituted).name.startswith("Promotion")
    assert said["LoggingConfiguration"]["Level"] == "ALL"
    assert said["TracingConfiguration"] == {"Enabled": True}
    (invoke,) = grants(assembly, "prod", "FlowRole", "lambda:InvokeFunction")
    assert assembly.resource(template, invoke.statement["Resource"]).name.startswith("Promotion")


def test_a_flow_that_fails_or_takes_too_long_or_never_starts_is_told(assembly: Assembly):
    alarms = {
        a.properties.get("MetricName")
        for a in assembly.one("prod", "training").all("AWS::CloudWatch::Alarm")
    }
    alarms |= {
        a.properties.get("MetricName")
        for a in assembly.one("prod", "observability").all("AWS::CloudWatch::Alarm")
    }
    assert {
        "ExecutionsFailed",
        "ExecutionsTimedOut",
        "ApproximateNumberOfMessagesVisible",
    } <= alarms


def test_what_a_training_leaves_on_its_way_goes_after_a_month(assembly: Assembly):
    buckets = assembly.one("prod", "storage").all("AWS::S3::Bucket")
    (artefacts,) = (b for b in buckets if b.name.startswith("Artefacts"))
    rules = artefacts.properties["LifecycleConfiguration"]["Rules"]
    gone = {
        rule["Prefix"]: rule["ExpirationInDays"]
        for rule in rules
        if "Prefix" in rule and "ExpirationInDays" in rule
    }
    assert gone == {"candidates/": 30, "training/checkpoints/": 30}


def test_the_image_of_activation_has_the_serving_libraries_in_tested_versions_and_no_torch():
    context = images.build_context(images.ACTIVATION)
    lines = (context / "requirements.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    names = {name.partition("[")[0]: version for name, version in pins.items()}
    tested = (ROOT / "constraints.txt").read_text().lower().split()
    for name, version in names.items():
        assert f"{name}=={version}" in tested, name
    others = images.follow_imports(images.ACTIVATION_JOBS).third_party
    spelled = {"botocore": "boto3", "faiss": "faiss-cpu", "psycopg_pool": "psycopg"}
    assert {spelled.get(name, name.replace("_", "-")) for name in others} == set(names)
    smoke = (context / "smoke.txt").read_text().split()
    assert "sagemaker_jobs.activate.__main__" in smoke
    assert not {"torch", "transformers"} & set(smoke)
