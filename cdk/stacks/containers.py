"""The services as containers on Fargate, for whoever does not want Lambda."""

from typing import Any

from aws_cdk import CfnCondition, CfnOutput, CfnParameter, Duration, Fn, RemovalPolicy, Stack, Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_servicediscovery as servicediscovery
from constructs import Construct

from cdk.constructs.acknowledgments import acknowledge
from cdk.constructs.bucket import expiry_rule, private_bucket_options
from cdk.constructs.container_service import ContainerService, ContainerTask
from cdk.constructs.declared_services import (
    DeclaredService,
    declared_services,
    parameters,
    proxy_files,
)
from cdk.constructs.network import POSTGRES
from cdk.stacks.container_roles import create_role, resources_of

DOMAIN = "reviewlens.internal"
"""Domain of the names by which services reach one another."""
SCALED = {"inference": (2, 10), "retrieval": (2, 10)}
"""Least and most tasks."""
_CPU_PERCENT = 65
_ZONES = 2
_PROXY_IMAGE = (
    "nginxinc/nginx-unprivileged:1.28-alpine"
    "@sha256:7377697a821c131a924a7105fafbe7414db4e9fcc77a6f08f776f33f141ec3f8"
)
_LOG_DAYS = 30
_SECRETS = {
    "database": "JSON with host, port, username, password, dbname, sslmode and sslrootcert",
    "reviewer_key": "JSON with key: 64 hexadecimal digits for hashing reviewers",
    "api_keys": "a line for each key, as for docker-compose.prod.yml",
    "reviewlens_api_key": "the page's own operator key",
    "reviewlens_page_token": "the token of the page's visitors",
}
_START_PROXY = """\
umask 077
mkdir -p /tmp/rules /tmp/access
nameserver=$(awk '/^nameserver/ {print $2; exit}' /etc/resolv.conf)
printf '%s\\n' "$API_KEYS" > /tmp/api_keys
printf '%s' "$KEYS_CONF" > /tmp/rules/keys.conf
printf '%s' "$ACCESS_CONF" > /tmp/access/access.conf
printf '%s' "$NGINX_CONF" | sed "s/@nameserver@/$nameserver/" > /tmp/nginx.conf
unset API_KEYS
exec nginx -c /tmp/nginx.conf -g 'daemon off;'
"""
"""Fargate mounts no files, so the proxy writes those that it was given as variables."""


class ContainersStack(Stack):
    """load balancer -> proxy -> services; workers beside them. Uses a VPC, PostgreSQL, S3 and SQS.

    Independent of the other stacks: all that it uses is a parameter.
    """

    def __init__(self, scope: Construct, construct_id: str, **kwargs: Any) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self._values = {name: self._declared(name, each) for name, each in parameters().items()}
        self._image = self._parameter("Image", "The image with its digest")
        self._proxy_image = self._parameter(
            "ProxyImage", "The image of nginx", default=_PROXY_IMAGE
        )
        self._secrets = {
            name: secretsmanager.Secret.from_secret_complete_arn(
                self, f"Secret-{name}", self._parameter(f"{_pascal(name)}Arn", f"Secret: {text}")
            )
            for name, text in _SECRETS.items()
        }
        self._vpc = self._find_vpc()
        self._cluster = ecs.Cluster(
            self, "Cluster", vpc=self._vpc, container_insights_v2=ecs.ContainerInsights.ENABLED
        )
        self._logs = logs.LogGroup(
            self,
            "Logs",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        namespace = servicediscovery.PrivateDnsNamespace(
            self, "Namespace", name=DOMAIN, vpc=self._vpc
        )
        self._groups = self._create_groups()
        key = self._parameter("KeyArn", "Key of KMS that encrypts the buckets")
        self._resources = resources_of(self, {**self._values, "key_arn": key}, self._secrets)
        self._is_started = self._started_condition()
        services = {}
        for name, service in declared_services().items():
            task = self._task(service)
            if service.kind == "once":
                CfnOutput(
                    self,
                    "FirstTask",
                    value=task.definition.task_definition_arn,
                    description="Task that migrates the database and publishes the model",
                )
                continue
            services[name] = ContainerService(
                self,
                _pascal(name),
                service=service,
                task=task,
                cluster=self._cluster,
                group=self._groups[service.kind],
                count=self._if_started(service.declaration["replicas"]),
                namespace=namespace if service.kind in {"api", "proxy"} else None,
            )
        for name, (least, most) in SCALED.items():
            services[name].scale(least=self._if_started(least), most=most, cpu_percent=_CPU_PERCENT)
        self._balance(services["proxy"].service, services["frontend"].service)
        CfnOutput(self, "ClusterName", value=self._cluster.cluster_name)
        for kind in ("api", "worker"):
            CfnOutput(
                self,
                f"DatabaseClients{_pascal(kind)}",
                value=self._groups[kind].security_group_id,
                description="Security group that the database has to let in",
            )

    def _parameter(self, name: str, description: str, **options: Any) -> str:
        return CfnParameter(
            self, name, type="String", description=description, **({"min_length": 1} | options)
        ).value_as_string

    def _declared(self, name: str, setting: Any) -> str:
        if setting["required"]:
            return self._parameter(_pascal(name), f"{name} of docker-compose.prod.yml")
        return self._parameter(
            _pascal(name),
            f"{name} of docker-compose.prod.yml",
            default=setting["default"],
            min_length=0,
        )

    def _started_condition(self) -> CfnCondition:
        """Services fail without schema and model, which the first task makes: they start later."""
        parameter = CfnParameter(
            self,
            "Started",
            type="String",
            default="true",
            allowed_values=["true", "false"],
            description="false for the first deployment: then run FirstTask, and deploy again",
        )
        equals = Fn.condition_equals(parameter.value_as_string, "true")
        return CfnCondition(self, "IsStarted", expression=equals)

    def _if_started(self, count: int) -> int:
        number = Fn.condition_if(self._is_started.logical_id, count, 0)
        return int(Token.as_number(number))

    def _find_vpc(self) -> ec2.IVpc:
        """The VPC of the parameters, with public and private subnets in two zones."""
        vpc_id = CfnParameter(self, "VpcId", type="AWS::EC2::VPC::Id").value_as_string
        subnets = {
            name: CfnParameter(
                self,
                name,
                type="List<AWS::EC2::Subnet::Id>",
                description=f"{text} subnets in {_ZONES} zones",
            ).value_as_list
            for name, text in (("PublicSubnets", "Public"), ("PrivateSubnets", "Private"))
        }
        return ec2.Vpc.from_vpc_attributes(
            self,
            "Vpc",
            vpc_id=vpc_id,
            availability_zones=[Fn.select(zone, Fn.get_azs()) for zone in range(_ZONES)],
            public_subnet_ids=[Fn.select(i, subnets["PublicSubnets"]) for i in range(_ZONES)],
            private_subnet_ids=[Fn.select(i, subnets["PrivateSubnets"]) for i in range(_ZONES)],
        )

    def _create_groups(self) -> dict[str, ec2.SecurityGroup]:
        """Security groups by kind of service: who may reach whom."""
        texts = {
            "balancer": "Load balancer of the containers",
            "proxy": "Proxy",
            "page": "Web page",
            "api": "Services of the API",
            "worker": "Worker and preparation",
        }
        groups = {
            kind: ec2.SecurityGroup(
                self,
                f"{_pascal(kind)}Group",
                vpc=self._vpc,
                description=text,
                allow_all_outbound=False,
            )
            for kind, text in texts.items()
        }
        everybody = ec2.Peer.any_ipv4()
        for port, text in ((443, "HTTPS"), (80, "redirects to HTTPS")):
            groups["balancer"].add_ingress_rule(everybody, ec2.Port.tcp(port), text)
        acknowledge(groups["balancer"], "AwsSolutions-EC23", "It serves the internet with TLS")
        for service in declared_services().values():
            port = service.declaration["port"]
            if service.kind == "api":
                _connect(groups["proxy"], groups["api"], port, service.name)
            elif service.kind in {"proxy", "page"}:
                _connect(groups["balancer"], groups[service.kind], port, service.name)
            if service.kind == "proxy":
                _connect(groups["page"], groups["proxy"], port, "the page")
        for kind in ("proxy", "page", "api", "worker"):
            groups[kind].add_egress_rule(everybody, ec2.Port.tcp(443), "HTTPS to AWS services")
        for kind in ("api", "worker"):
            groups[kind].add_egress_rule(everybody, POSTGRES, "PostgreSQL")
        groups["once"] = groups["worker"]
        return groups

    def _task(self, service: DeclaredService) -> ContainerTask:
        environment = service.environment(
            self._values,
            {name: secret.secret_arn for name, secret in self._secrets.items()},
            f"proxy.{DOMAIN}",
        )
        secrets, command = {}, None
        if service.kind == "page":
            secrets = {name.upper(): self._secret(name) for name in service.declaration["secrets"]}
        if service.kind == "proxy":
            files = proxy_files(DOMAIN)
            environment |= {name.upper().replace(".", "_"): text for name, text in files.items()}
            secrets, command = {"API_KEYS": self._secret("api_keys")}, [_START_PROXY]
        return ContainerTask(
            self,
            f"{_pascal(service.name)}Task",
            service=service,
            image=self._proxy_image if service.kind == "proxy" else self._image,
            environment=environment,
            secrets=secrets,
            role=create_role(
                self,
                f"{_pascal(service.name)}Role",
                service=service,
                resources=self._resources,
            ),
            log_group=self._logs,
            command=command,
        )

    def _secret(self, name: str) -> ecs.Secret:
        return ecs.Secret.from_secrets_manager(self._secrets[name])

    def _balance(self, proxy: ecs.FargateService, page: ecs.FargateService) -> None:
        """Serve the API, and the page at its own host, with TLS."""
        balancer = elb.ApplicationLoadBalancer(
            self,
            "Balancer",
            vpc=self._vpc,
            internet_facing=True,
            security_group=self._groups["balancer"],
            drop_invalid_header_fields=True,
        )
        self._log_requests(balancer)
        certificate = self._parameter("CertificateArn", "Certificate of both hosts in ACM")
        redirect = elb.ListenerAction.redirect(protocol="HTTPS", port="443", permanent=True)
        balancer.add_listener("Http", port=80, open=False, default_action=redirect)
        listener = balancer.add_listener(
            "Https",
            port=443,
            open=False,
            ssl_policy=elb.SslPolicy.TLS13_RES,
            certificates=[elb.ListenerCertificate.from_arn(certificate)],
        )
        self._target(listener, "Api", proxy, declared_services()["proxy"], "/health", "200")
        self._target(
            listener,
            "Page",
            page,
            declared_services()["frontend"],
            "/",
            "200,401",  # the page asks for its token
            priority=1,
            conditions=[elb.ListenerCondition.host_headers([self._values["page_host"]])],
        )
        CfnOutput(self, "BalancerName", value=balancer.load_balancer_dns_name)

    def _target(
        self,
        listener: elb.ApplicationListener,
        name: str,
        service: ecs.FargateService,
        declared: DeclaredService,
        path: str,
        codes: str,
        **rule: Any,
    ) -> None:
        port = declared.declaration["port"]
        listener.add_targets(
            name,
            port=port,
            protocol=elb.ApplicationProtocol.HTTP,
            targets=[
                service.load_balancer_target(container_name=declared.name, container_port=port)
            ],
            health_check=elb.HealthCheck(
                path=path, healthy_http_codes=codes, interval=Duration.seconds(15)
            ),
            deregistration_delay=Duration.seconds(20),
            **rule,
        )

    def _log_requests(self, balancer: elb.ApplicationLoadBalancer) -> None:
        """Write a line for each request to a bucket; CDK's own way needs a known region."""
        bucket = s3.Bucket(
            self,
            "AccessLogs",
            encryption=s3.BucketEncryption.S3_MANAGED,
            lifecycle_rules=[expiry_rule(_LOG_DAYS)],
            removal_policy=RemovalPolicy.RETAIN,
            **private_bucket_options(),
        )
        acknowledge(bucket, "AwsSolutions-S1", "Logging the log bucket would never end")
        bucket.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("logdelivery.elasticloadbalancing.amazonaws.com")],
                actions=["s3:PutObject"],
                resources=[bucket.arn_for_objects(f"AWSLogs/{self.account}/*")],
            )
        )
        balancer.set_attribute("access_logs.s3.enabled", "true")
        balancer.set_attribute("access_logs.s3.bucket", bucket.bucket_name)
        if bucket.policy:
            balancer.node.add_dependency(bucket.policy)


def _connect(source: ec2.SecurityGroup, target: ec2.SecurityGroup, port: int, text: str) -> None:
    source.add_egress_rule(target, ec2.Port.tcp(port), text)
    target.add_ingress_rule(source, ec2.Port.tcp(port), text)


def _pascal(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
