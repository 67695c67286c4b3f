"""Training: roles of jobs, permissions to start them, the flow and its events."""

import json
from dataclasses import replace

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template
from botocore.session import Session
from botocore.stub import Stubber

from cdk.app import feature_flags
from cdk.environments import DEV, ENVIRONMENTS
from cdk.packaging import images
from cdk.packaging.import_graph import follow_imports
from cdk.paths import ROOT
from cdk.stacks.training import FLOW
from cdk.stage import ReviewlensStage
from lambdas.training.launcher import Job
from lambdas.training.sagemaker_launcher import SageMakerLauncher
from lambdas.training.sagemaker_request import build_request
from lambdas.training.settings import TrainingSettings
from sagemaker_jobs.train import container
from shared.schemas.training import TrainingParameters
from tests.infra.templates import Assembly, Statement, as_list, statements

pytestmark = pytest.mark.timeout(600)


def grants(assembly: Assembly, environment: str, role: str, action: str) -> list[Statement]:
    """Statements that allow an action in the policies of a role of the training stack."""
    return [
        statement
        for statement in statements(assembly)
        if statement.resource.stack.name == f"reviewlens-{environment}-training"
        and statement.resource.name.startswith(role)
        and action in statement.actions
    ]


def variables(assembly: Assembly, environment: str, stack: str, name: str) -> dict:
    """The environment variables of a function."""
    (function,) = (
        f
        for f in assembly.one(environment, stack).all("AWS::Lambda::Function")
        if f.name.startswith(name)
    )
    return function.properties["Environment"]["Variables"]


def test_a_training_only_reads_its_data_and_writes_its_output(assembly: Assembly):
    (read,) = grants(assembly, "prod", "TrainingRole", "s3:GetObject")
    (write,) = grants(assembly, "prod", "TrainingRole", "s3:PutObject")
    prefixes = {
        kind: sorted(r["Fn::Join"][1][1] for r in as_list(statement.body["Resource"]))
        for kind, statement in (("read", read), ("write", write))
    }
    assert prefixes == {
        "read": ["/training/checkpoints/*", "/training/data/*", "/training/encoders/*"],
        "write": ["/training/checkpoints/*", "/training/models/*"],
    }


@pytest.mark.parametrize("role", ["TrainingRole", "CandidateRole", "ActivationRole"])
def test_only_sagemaker_in_this_account_assumes_the_role_of_a_job(assembly: Assembly, role):
    roles = assembly.one("prod", "training").all("AWS::IAM::Role")
    (job_role,) = (each for each in roles if each.name.startswith(role))
    (statement,) = job_role.properties["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    }


def test_jobs_only_write_log_streams_with_their_own_names(assembly: Assembly):
    for role, prefix in (
        ("TrainingRole", "reviewlens-prod-train-"),
        ("CandidateRole", "candidate-reviewlens-prod-"),
        ("ActivationRole", "activate-reviewlens-prod-"),
    ):
        (statement,) = grants(assembly, "prod", role, "logs:PutLogEvents")
        resource = json.dumps(statement.body["Resource"])
        assert resource.endswith(f':log-stream:{prefix}*"]]}}'), role


def test_only_activation_uses_the_database_and_runs_in_the_vpc(assembly: Assembly):
    for role, count in (("TrainingRole", 0), ("CandidateRole", 0), ("ActivationRole", 1)):
        assert len(grants(assembly, "prod", role, "rds-db:connect")) == count, role
        assert len(grants(assembly, "prod", role, "ec2:CreateNetworkInterface")) == count, role
    environment = variables(assembly, "prod", "training", "Promotion")
    assert environment["REVIEWLENS_ACTIVATION_SUBNETS"]
    assert environment["REVIEWLENS_ACTIVATION_SECURITY_GROUPS"]


def test_the_api_starts_only_isolated_encrypted_jobs_of_its_environment(assembly: Assembly):
    for name, environment in ENVIRONMENTS.items():
        (statement,) = (
            s
            for s in statements(assembly)
            if s.resource.stack.name == f"reviewlens-{name}-api"
            and "sagemaker:CreateTrainingJob" in s.actions
        )
        resource = json.dumps(statement.body["Resource"])
        assert resource.endswith(f':training-job/reviewlens-{name}-train-*"]]}}')
        condition = statement.body["Condition"]
        assert condition["Bool"] == {"sagemaker:NetworkIsolation": "true"}
        assert condition["ForAllValues:StringEquals"] == {
            "sagemaker:InstanceTypes": [environment.training_instance_type]
        }
        assert "DataKey" in json.dumps(condition["ArnEquals"]["sagemaker:OutputKmsKey"])


def test_roles_can_only_be_passed_to_sagemaker(assembly: Assembly):
    pass_role_statements = [
        s
        for s in statements(assembly)
        if "iam:PassRole" in s.actions and s.resource.stack.name.endswith(("-api", "-training"))
    ]
    assert pass_role_statements
    for statement in pass_role_statements:
        assert statement.body["Condition"] == {
            "StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}
        }
        for resource in as_list(statement.body["Resource"]):
            role = assembly.resource(statement.resource.stack, resource)
            assert role.definition["Type"] == "AWS::IAM::Role"
            assert role.stack.name.endswith("-training")


def settings(assembly: Assembly, environment: str) -> TrainingSettings:
    """The settings of the deployed function, with an ARN in place of each reference."""
    prefix = "REVIEWLENS_"
    values = {
        name.removeprefix(prefix).lower(): value
        if isinstance(value, str)
        else f"arn:aws:iam::123456789012:role/{name.lower()}"
        for name, value in variables(assembly, environment, "api", "Training").items()
        if name.startswith(prefix)
    }
    return TrainingSettings(**values)


@pytest.mark.parametrize("environment", list(ENVIRONMENTS))
def test_the_requests_of_the_function_fit_its_role(assembly, environment):
    training_settings = settings(assembly, environment)
    SageMakerLauncher(None, training_settings).check_ready()
    request = build_request(training_settings, Job("train_20261124_001", TrainingParameters()))
    assert request["TrainingJobName"] == f"reviewlens-{environment}-train-20261124-001"
    assert request["EnableNetworkIsolation"] is True
    assert request["OutputDataConfig"]["KmsKeyId"] == training_settings.training_key_arn != ""
    # ml.g5 encrypts its local disk, and SageMaker rejects a key for it
    assert "VolumeKmsKeyId" not in request["ResourceConfig"]
    client = Session().create_client(
        "sagemaker", "eu-west-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
    with Stubber(client) as stub:  # validates the request against SageMaker's service model
        stub.add_response("create_training_job", {"TrainingJobArn": "arn:aws:sagemaker:::j"})
        client.create_training_job(**request)


def test_the_container_gets_the_hyperparameters_of_the_request(assembly, tmp_path):
    encoder = f"bert-base-uncased@{'0' * 40}"
    parameters = TrainingParameters(model_name=encoder, epochs=2)
    job = Job("train_20261124_001", parameters)
    request = build_request(settings(assembly, "prod"), job)
    file = tmp_path / "input/config/hyperparameters.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(request["HyperParameters"]))
    arguments = container.hyperparameters(tmp_path)
    options = dict(zip(arguments[::2], arguments[1::2], strict=True))
    assert options["--model-name"] == encoder
    assert options["--epochs"] == "2"
    assert "--sagemaker_program" not in options


def test_instances_without_a_local_disk_get_a_volume_key():
    environment = replace(DEV, name="test", training_instance_type="ml.p3.2xlarge")
    stage = ReviewlensStage(App(context=feature_flags()), environment=environment)
    functions = Template.from_stack(stage.api).find_resources("AWS::Lambda::Function")
    (training,) = (
        function["Properties"]["Environment"]["Variables"]
        for name, function in functions.items()
        if name.startswith("Training")
    )
    assert training["REVIEWLENS_TRAINING_VOLUME_KEY_ARN"] != ""
    assert training["REVIEWLENS_TRAINING_VOLUME_KEY_ARN"] == training["REVIEWLENS_TRAINING_KEY_ARN"]


def test_each_completed_training_of_an_environment_starts_its_flow(assembly: Assembly):
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


def test_the_deployed_flow_is_the_tested_one_with_logs_and_traces(assembly: Assembly):
    template = assembly.one("prod", "training")
    (machine,) = template.all("AWS::StepFunctions::StateMachine")
    properties = machine.properties
    deployed, tested = json.loads(properties["DefinitionString"]), json.loads(FLOW.read_text())
    workers = deployed["States"]["ScoreShards"].pop("MaxConcurrency")
    tested["States"]["ScoreShards"].pop("MaxConcurrency")
    assert deployed == tested
    assert workers == ENVIRONMENTS["prod"].processing_workers
    function = properties["DefinitionSubstitutions"]["PromotionFunction"]
    assert assembly.resource(template, function).name.startswith("Promotion")
    assert properties["LoggingConfiguration"]["Level"] == "ALL"
    assert properties["TracingConfiguration"] == {"Enabled": True}
    (invoke,) = grants(assembly, "prod", "FlowRole", "lambda:InvokeFunction")
    promotion, scorer = invoke.body["Resource"]
    assert assembly.resource(template, promotion).name.startswith("Promotion")
    assert assembly.resource(template, scorer).name.startswith("Scorer")


def test_a_flow_that_fails_or_times_out_or_does_not_start_raises_an_alarm(assembly: Assembly):
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


def test_intermediate_results_of_a_training_expire_after_a_month(assembly: Assembly):
    buckets = assembly.one("prod", "storage").all("AWS::S3::Bucket")
    (artefacts,) = (b for b in buckets if b.name.startswith("Artefacts"))
    rules = artefacts.properties["LifecycleConfiguration"]["Rules"]
    expiry_days = {
        rule["Prefix"]: rule["ExpirationInDays"]
        for rule in rules
        if "Prefix" in rule and "ExpirationInDays" in rule
    }
    assert expiry_days == {"candidates/": 30, "training/checkpoints/": 30}


def test_the_activation_image_has_tested_serving_libraries_and_no_torch():
    context = images.build_context(images.ACTIVATION)
    lines = (context / "requirements.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    versions = {name.partition("[")[0]: version for name, version in pins.items()}
    tested = (ROOT / "constraints.txt").read_text().lower().split()
    for name, version in versions.items():
        assert f"{name}=={version}" in tested, name
    imports = follow_imports(images.ACTIVATION_JOBS).third_party
    distributions = {"botocore": "boto3", "faiss": "faiss-cpu", "psycopg_pool": "psycopg"}
    names = {distributions.get(name, name.replace("_", "-")) for name in imports}
    assert names == set(versions)
    smoke = (context / "smoke.txt").read_text().split()
    assert "sagemaker_jobs.activate.__main__" in smoke
    assert not {"torch", "transformers"} & set(smoke)


@pytest.mark.parametrize(
    ("stack", "name", "queue"),
    [
        ("training", "Promotion", "PromotionFailures"),
        ("database", "Migrations", "MigrationFailures"),
    ],
)
def test_invocations_that_nobody_waits_for_leave_their_failures_in_a_queue(
    assembly: Assembly, stack, name, queue
):
    template = assembly.one("prod", stack)
    (config,) = template.all("AWS::Lambda::EventInvokeConfig")
    function = assembly.resource(template, config.properties["FunctionName"])
    assert function.name.startswith(name)
    destination = config.properties["DestinationConfig"]["OnFailure"]["Destination"]
    assert assembly.target(template, destination)[1].startswith(queue)
    senders = [s for s in statements(assembly) if "sqs:SendMessage" in s.actions]
    allowed = [
        s
        for s in senders
        if s.resource.stack is template and s.resource.name.startswith(name)
        for resource in as_list(s.body["Resource"])
        if assembly.target(template, resource) == assembly.target(template, destination)
    ]
    assert len(allowed) == 1
