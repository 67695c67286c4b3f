"""The containers on Fargate: the same as with Compose, and closed but for what they need."""

import json
import re
import shlex
import subprocess

import pytest

from cdk.constructs.declared_services import parameters
from cdk.containers import STACK_NAME, build
from cdk.paths import ROOT
from local.services.ports import APIS
from tests.containers import compose_config
from tests.infra.linting import lint
from tests.infra.templates import as_list, load, statements
from tests.platforms import compose_containers, secrets_needed

pytestmark = pytest.mark.timeout(600)
PROD = ("--env-file", "deploy/compose/prod.env.example", "-f", "docker-compose.prod.yml")
FROM_SECRETS = {"REVIEWLENS_DATABASE_SECRET_ID": "DatabaseArn"}
FROM_SECRETS |= {"REVIEWLENS_REVIEWER_KEY_SECRET_ID": "ReviewerKeyArn"}
OF_PROXY = {"NGINX_CONF", "KEYS_CONF", "ACCESS_CONF"}


@pytest.fixture(scope="module")
def containers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("containers")
    build(outdir=str(folder)).synth()
    return load(folder)


@pytest.fixture(scope="module")
def stack(containers):
    (template,) = containers.templates
    assert template.name == STACK_NAME
    return template


@pytest.fixture(scope="module")
def tasks(stack):
    """Name of a service → its container and the task around it."""
    found = {}
    for task in stack.all("AWS::ECS::TaskDefinition"):
        (container,) = task.properties["ContainerDefinitions"]
        found[container["Name"]] = (container, task)
    return found


def variables(container):
    return {each["Name"]: each["Value"] for each in container.get("Environment", [])}


def test_neither_cdk_nag_nor_cfn_lint_finds_anything(containers, stack):
    reports = containers.report["pluginReports"]
    assert [each["ruleName"] for report in reports for each in report["violations"]] == []
    assert lint([stack.path]) == []


def test_containers_are_those_of_compose(tasks):
    compose = compose_containers(compose_config(ROOT, *PROD))
    assert tasks.keys() == compose.keys()
    for name, (container, task) in tasks.items():
        want = compose[name]
        if name != "proxy":
            assert tuple(container["Command"]) == want.command, name
        ports = [each["ContainerPort"] for each in container.get("PortMappings", [])]
        assert ports == [port for port in [want.port] if port], name
        assert container["User"] == str(want.user), name
        assert int(task.properties["Memory"]) >= want.memory_mib, name
        assert container["StopTimeout"] == want.stop_seconds, name
        check = container.get("HealthCheck", {"Command": [""]})["Command"][-1]
        assert check == (f"http://127.0.0.1:{want.port}{want.probe}" if want.probe else ""), name


def test_variables_are_those_of_compose(tasks):
    known = parameters()
    names = {"".join(map(str.capitalize, name.split("_"))): name for name in known}
    for name, service in compose_containers(compose_config(ROOT, *PROD)).items():
        own = variables(tasks[name][0])
        expected = dict(service.environment)
        # a task has a role in place of a file
        expected.pop("AWS_SHARED_CREDENTIALS_FILE", None)
        assert own.keys() - OF_PROXY == expected.keys(), name
        for variable, text in expected.items():
            value = own[variable]
            if variable in FROM_SECRETS:
                assert value == {"Ref": FROM_SECRETS[variable]}
            elif isinstance(value, dict):
                assert names[value["Ref"]] in known
            else:
                assert value == text.replace("//proxy:", "//proxy.reviewlens.internal:")


def test_secrets_come_from_secrets_manager(tasks):
    given = {
        name: {each["Name"] for each in container.get("Secrets", [])}
        for name, (container, _) in tasks.items()
    }
    assert given.pop("frontend") == {"REVIEWLENS_API_KEY", "REVIEWLENS_PAGE_TOKEN"}
    assert given.pop("proxy") == {"API_KEYS"}
    assert not any(given.values())


def test_the_proxy_writes_a_configuration_that_nginx_accepts(tasks, tmp_path):
    container = tasks["proxy"][0]
    assert container["EntryPoint"] == ["/bin/sh", "-c"]
    (script,) = container["Command"]
    assert "exec nginx -c /tmp/nginx.conf" in script
    tested = script.replace(
        "exec nginx -c /tmp/nginx.conf -g 'daemon off;'", "exec nginx -t -c /tmp/nginx.conf"
    )
    resolver = tmp_path / "resolv.conf"
    resolver.write_text("search eu-central-1.compute.internal\nnameserver 10.0.0.2\n")
    tested = tested.replace("/tmp/", f"{tmp_path}/")
    tested = tested.replace("/etc/resolv.conf", shlex.quote(str(resolver)))
    environment = variables(container) | {"API_KEYS": f'"{"k" * 32}" 2;'}
    environment = {
        name: text.replace("/tmp/", f"{tmp_path}/") for name, text in environment.items()
    }
    done = subprocess.run(
        ["/bin/sh", "-c", tested],
        env={"PATH": "/usr/sbin:/usr/bin:/bin"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    written = (tmp_path / "nginx.conf").read_text()
    assert "resolver 10.0.0.2 " in written
    for name, port in APIS.items():
        assert f"set ${name} {name}.reviewlens.internal:{port};" in written


def test_services_have_the_names_that_the_proxy_asks(stack):
    named = {each.properties["Name"] for each in stack.all("AWS::ServiceDiscovery::Service")}
    assert named == {*APIS, "proxy"}
    (namespace,) = stack.all("AWS::ServiceDiscovery::PrivateDnsNamespace")
    assert namespace.properties["Name"] == "reviewlens.internal"


def test_tasks_are_private(stack):
    services = stack.all("AWS::ECS::Service")
    assert len(services) == len(APIS) + 3
    for service in services:
        network = service.properties["NetworkConfiguration"]["AwsvpcConfiguration"]
        assert network["AssignPublicIp"] == "DISABLED"
        assert "PrivateSubnets" in str(network["Subnets"])
        assert service.properties["DeploymentConfiguration"]["DeploymentCircuitBreaker"]["Rollback"]


def test_only_named_groups_may_connect(stack):
    opened = {
        (
            group(each.properties["SourceSecurityGroupId"]),
            group(each.properties["GroupId"]),
            each.properties["FromPort"],
        )
        for each in stack.all("AWS::EC2::SecurityGroupIngress")
    }
    assert opened == {("Proxy", "Api", port) for port in APIS.values()} | {
        ("Balancer", "Proxy", 8080),
        ("Balancer", "Page", 8006),
        ("Page", "Proxy", 8080),
    }
    for each in stack.all("AWS::EC2::SecurityGroup"):
        rules = each.properties.get("SecurityGroupIngress", [])
        assert {rule["FromPort"] for rule in rules} == (
            {443, 80} if "Balancer" in each.name else set()
        )


def group(reference):
    return re.match(r"\w+?(?=Group)", reference["Fn::GetAtt"][0])[0]


def test_no_action_has_a_wildcard(containers):
    for statement in statements(containers):
        if statement.body["Effect"] == "Allow":
            assert not any("*" in action for action in statement.actions), statement.resource


@pytest.fixture(scope="module")
def allowed(containers, tasks):
    """Name of a service → the service of AWS and the resource of all that its role allows."""
    found = {name: set() for name in tasks}
    owners = {task.properties["TaskRoleArn"]["Fn::GetAtt"][0]: name for name, task in roles(tasks)}
    assert len(owners) == len(tasks)
    for statement in statements(containers):
        for role in statement.resource.properties.get("Roles", []):
            if name := owners.get(role["Ref"]):
                found[name] |= {
                    (action, json.dumps(resource))
                    for action in statement.actions
                    for resource in as_list(statement.body["Resource"])
                }
    return found


def roles(tasks):
    return [(name, task) for name, (_, task) in tasks.items()]


def parts(allowed, prefix):
    """Parameters that name the resources of some actions."""
    return {
        parameter
        for action, resource in allowed
        if action.startswith(prefix)
        for parameter in re.findall(r'"Ref": "(\w+?)"', resource)
        if "::" not in parameter and parameter != "AWS"
    } - {"AWSPartition", "AWSRegion", "AWSAccountId"}


@pytest.mark.parametrize("name", sorted({*APIS, "worker", "prepare", "frontend", "proxy"}))
def test_a_role_reads_the_secrets_of_its_service_alone(allowed, name):
    names = {"database": "DatabaseArn", "reviewer_key": "ReviewerKeyArn"}
    needed = set() if name in {"frontend", "proxy"} else secrets_needed(name)
    expected = {names[each] for each in needed - {"aws_credentials"}}
    assert parts(allowed[name], "secretsmanager:") == expected


def test_a_role_uses_the_buckets_and_queues_of_its_service_alone(allowed):
    buckets = {name: parts(each, "s3:") for name, each in allowed.items()}
    queues = {name: parts(each, "sqs:") for name, each in allowed.items()}
    assert buckets == {
        **{name: set() for name in ("frontend", "insights", "proxy", "training")},
        **{
            name: {"ArtefactBucket"} for name in ("inference", "prepare", "processing", "retrieval")
        },
        "collection": {"RawBucket"},
        "worker": {"ArtefactBucket", "CleanBucket", "RawBucket"},
    }
    all_queues = {f"{name}QueueUrl" for name in ("Collection", "Index", "Pictures", "Processing")}
    assert queues == {
        **{name: set() for name in allowed},
        "collection": {"CollectionQueueUrl"},
        "processing": {"IndexQueueUrl", "ProcessingQueueUrl"},
        "retrieval": {"IndexQueueUrl"},
        "worker": all_queues,
    }


def test_services_that_show_or_store_pictures_may_have_them_fetched(allowed):
    fetching = {name: parts(each, "lambda:InvokeFunction") for name, each in allowed.items()}
    expected = {"inference", "retrieval", "worker"}
    assert fetching == {
        name: {"ImageFetchFunction"} if name in expected else set() for name in allowed
    }


def test_the_worker_alone_receives_messages_and_deletes_objects(allowed):
    for action in ("sqs:ReceiveMessage", "s3:DeleteObject", "s3:DeleteObjectVersion"):
        assert [name for name in allowed if parts(allowed[name], action)] == ["worker"]


def test_inference_and_retrieval_are_scaled(stack):
    targets = stack.all("AWS::ApplicationAutoScaling::ScalableTarget")
    assert len(targets) == 2
    for target in targets:
        assert target.properties["MinCapacity"] == if_started(2)
        assert target.properties["MaxCapacity"] == 10


def test_nothing_starts_before_the_first_task_has_run(stack):
    counts = [each.properties["DesiredCount"] for each in stack.all("AWS::ECS::Service")]
    assert all(count in (if_started(1), if_started(2)) for count in counts)


def if_started(count):
    return {"Fn::If": ["IsStarted", count, 0]}
