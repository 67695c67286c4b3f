"""One service of the containers: a task on Fargate, and what keeps it running."""

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_servicediscovery as servicediscovery
from constructs import Construct

from cdk.constructs.acknowledgments import acknowledge
from cdk.constructs.declared_services import DeclaredService

_WORKER_DISK_GIB = 60
_MAX_STOP_SECONDS = 120
_DNS_SECONDS = 5
_NO_SECRETS = "The variables are names and ARNs; secrets come from Secrets Manager"


class ContainerTask(Construct):
    """The definition of a task; exports ``definition``."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        service: DeclaredService,
        image: str,
        environment: Mapping[str, str],
        secrets: Mapping[str, ecs.Secret],
        role: iam.IRole,
        log_group: logs.ILogGroup,
        command: list[str] | None = None,
    ) -> None:
        """Create the definition.

        Args:
            scope: the parent construct.
            construct_id: its id in the scope.
            service: the declaration of the service.
            image: its image with the digest.
            environment: variables, none of which is a secret.
            secrets: variables that Fargate fills from Secrets Manager.
            role: what the containers may do.
            log_group: receives their output.
            command: instead of that of the declaration.
        """
        super().__init__(scope, construct_id)
        declaration = service.declaration
        self.definition = ecs.FargateTaskDefinition(
            self,
            "Task",
            cpu=service.cpu,
            memory_limit_mib=service.memory_mib,
            task_role=role,
            ephemeral_storage_gib=_WORKER_DISK_GIB if service.kind == "worker" else None,
        )
        health = service.health_command
        self.definition.add_container(
            service.name,
            container_name=service.name,
            image=ecs.ContainerImage.from_registry(image),
            command=command or list(declaration["command"]),
            entry_point=None if command is None else ["/bin/sh", "-c"],
            user=str(declaration["user"]),
            environment=dict(environment),
            secrets=dict(secrets),
            linux_parameters=ecs.LinuxParameters(self, "Linux", init_process_enabled=True),
            logging=ecs.LogDrivers.aws_logs(
                stream_prefix=service.name,
                log_group=log_group,
                mode=ecs.AwsLogDriverMode.NON_BLOCKING,
            ),
            port_mappings=[ecs.PortMapping(container_port=declaration["port"])]
            if declaration["port"]
            else [],
            health_check=None
            if health is None
            else ecs.HealthCheck(
                command=health,
                interval=Duration.seconds(10),
                timeout=Duration.seconds(10),
                retries=3,
                start_period=Duration.seconds(60),
            ),
            stop_timeout=Duration.seconds(min(declaration["stop_seconds"], _MAX_STOP_SECONDS)),
        )
        acknowledge(self.definition, "AwsSolutions-ECS2", _NO_SECRETS)


class ContainerService(Construct):
    """A task that runs all the time; exports ``service``."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        service: DeclaredService,
        task: ContainerTask,
        cluster: ecs.ICluster,
        group: ec2.ISecurityGroup,
        count: int,
        namespace: servicediscovery.INamespace | None,
    ) -> None:
        """Create the service.

        Args:
            scope: the parent construct.
            construct_id: its id in the scope.
            service: its declaration.
            task: what runs.
            cluster: where it runs.
            group: who may reach it, and whom it may reach.
            count: number of tasks.
            namespace: where its name is registered; None if no other service calls it.
        """
        super().__init__(scope, construct_id)
        # trainings are processes of one task
        is_single = service.name == "training"
        self.service = ecs.FargateService(
            self,
            "Service",
            cluster=cluster,
            task_definition=task.definition,
            desired_count=count,
            security_groups=[group],
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
            assign_public_ip=False,
            min_healthy_percent=0 if is_single else 100,
            max_healthy_percent=100 if is_single else 200,
            circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
            cloud_map_options=None
            if namespace is None
            else ecs.CloudMapOptions(
                name=service.name,
                cloud_map_namespace=namespace,
                dns_record_type=servicediscovery.DnsRecordType.A,
                dns_ttl=Duration.seconds(_DNS_SECONDS),
            ),
            propagate_tags=ecs.PropagatedTagSource.SERVICE,
        )

    def scale(self, *, least: int, most: int, cpu_percent: int) -> None:
        """Let the number of tasks follow the load of their processors."""
        target = self.service.auto_scale_task_count(min_capacity=least, max_capacity=most)
        target.scale_on_cpu_utilization("Cpu", target_utilization_percent=cpu_percent)
