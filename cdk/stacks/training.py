"""Training: what SageMaker jobs are made of, and the flow from a training to the current model."""

from typing import Any

from aws_cdk import Duration, Fn, Stack
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as stepfunctions
from constructs import Construct

from cdk.constructs import grants
from cdk.constructs.alarm import Alarm
from cdk.constructs.explained import acknowledge
from cdk.constructs.function import ServiceFunction
from cdk.constructs.grants import Grant
from cdk.constructs.job_role import JobRole
from cdk.constructs.network import Network
from cdk.constructs.operations import Operations
from cdk.packaging import images
from cdk.paths import ROOT
from cdk.stacks.database import DatabaseStack
from cdk.stacks.processing import ProcessingStack
from cdk.stacks.storage import StorageStack
from lambdas.promotion.settings import PromotionSettings

FLOW = ROOT / "cdk" / "flows" / "training.asl.json"
_FAMILIES_WITH_DISKS = frozenset({"g4dn", "g5", "g6", "g6e", "p4d", "p4de", "p5", "p5e", "p5en"})
"""GPU instances with disks of their own, encrypted by the instance: they take no key of ours."""
_TRAINING, _DATA, _ENCODERS = "training", "training/data/", "training/encoders/"
_MODELS, _CHECKPOINTS = "training/models/", "training/checkpoints/"
_CANDIDATES = "candidates/"
_TRACES = "X-Ray takes segments for no resource in particular"


class TrainingStack(Stack):
    """POST /train (api) -> training -> event -> flow -> candidate, gate -> activation -> pointers.

    Exports ``values`` and ``grants`` for the function that answers /train, and the ``flow``.
    Jobs have no network; activation, which needs PostgreSQL, stands in the VPC.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        operations: Operations,
        network: Network,
        storage: StorageStack,
        database: DatabaseStack,
        processing: ProcessingStack,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self._prefix = f"{operations.environment.stage_name}-"
        self._storage = storage
        heavy, light = self._image(images.TRAINING), self._image(images.ACTIVATION)
        self._train(operations, heavy)
        candidate = self._candidate_role(heavy)
        activation = self._activation_role(database, processing, light)
        subnets = network.vpc.select_subnets(subnet_type=network.subnets.subnet_type).subnet_ids
        self.promotion = ServiceFunction(
            self,
            "Promotion",
            operations=operations,
            asset="promotion",
            settings=PromotionSettings,
            values={
                **database.values,
                "artefact_bucket": storage.artefacts.bucket_name,
                "clean_bucket": storage.clean.bucket_name,
                "processing_queue_url": processing.shards.queue.queue_url,
                "candidate_image_uri": heavy.image_uri,
                "candidate_role_arn": candidate.role_arn,
                "activation_image_uri": light.image_uri,
                "activation_role_arn": activation.role_arn,
                "activation_subnets": Fn.join(",", subnets),
                "activation_security_groups": network.function_group.security_group_id,
                "jobs_kms_key": storage.key.key_arn,
            },
            description="Steps of the flow from a training to the current model",
            grants=[*database.grants, *self._promotion_grants(candidate, activation)],
            memory_mb=1024,
            timeout_seconds=300,
            ephemeral_mb=1024,
            network=network,
        )
        self.flow = self._flow(operations)
        self._start_flow(operations)

    def _image(self, name: str) -> ecr_assets.DockerImageAsset:
        return ecr_assets.DockerImageAsset(
            self,
            f"{name.title()}Image",
            directory=str(images.context_of(name)),
            asset_name=f"reviewlens-{name}",
            build_args=images.build_args(name),
            platform=ecr_assets.Platform.LINUX_AMD64,
        )

    def _train(self, operations: Operations, image: ecr_assets.DockerImageAsset) -> None:
        """The role of trainings; what the function that starts them must know, and may do."""
        environment, artefacts = operations.environment, self._storage.artefacts
        own_disk = environment.training_instance_type.split(".")[1] in _FAMILIES_WITH_DISKS
        role = JobRole(
            self,
            "TrainingRole",
            kind="TrainingJobs",
            names=f"{self._prefix}train-",
            repository=image.repository,
            given=[
                grants.list_bucket(artefacts),
                grants.read_objects(artefacts, _DATA, _ENCODERS, _CHECKPOINTS),
                grants.write_objects(artefacts, _MODELS, _CHECKPOINTS),
                *self._key_of_jobs(),
            ],
        )
        self.values = {
            "training_name_prefix": self._prefix,
            "training_image_uri": image.image_uri,
            "training_role_arn": role.role_arn,
            "training_data_uri": artefacts.s3_url_for_object(_DATA),
            "training_output_uri": artefacts.s3_url_for_object(_TRAINING),
            "training_encoders_uri": artefacts.s3_url_for_object(_ENCODERS),
            "training_encoders": environment.training_encoders,
            "training_isolated": True,
            "training_key_arn": self._storage.key.key_arn,
            "training_volume_key_arn": "" if own_disk else self._storage.key.key_arn,
            "training_instance_type": environment.training_instance_type,
            "training_spot": environment.training_spot,
        }
        jobs = [self._jobs("training-job", "train-")]
        said = {
            "Bool": {"sagemaker:NetworkIsolation": "true"},
            "ArnEquals": {"sagemaker:OutputKmsKey": self._storage.key.key_arn},
            "ForAllValues:StringEquals": {
                "sagemaker:InstanceTypes": [environment.training_instance_type]
            },
        }
        why = "jobs of this environment are known by the beginning of their names"
        self.grants = [
            Grant(["sagemaker:CreateTrainingJob"], jobs, why, said),
            Grant(
                [
                    "sagemaker:AddTags",
                    "sagemaker:DescribeTrainingJob",
                    "sagemaker:StopTrainingJob",
                ],
                jobs,
                why,
            ),
            *self._pass(role),
        ]

    def _candidate_role(self, image: ecr_assets.DockerImageAsset) -> JobRole:
        artefacts = self._storage.artefacts
        return JobRole(
            self,
            "CandidateRole",
            kind="ProcessingJobs",
            names=f"candidate-{self._prefix}",
            repository=image.repository,
            given=[
                grants.list_bucket(artefacts),
                grants.read_objects(artefacts, _DATA, _ENCODERS, _MODELS, "models/"),
                grants.write_objects(artefacts, _CANDIDATES),
                *self._key_of_jobs(),
            ],
        )

    def _activation_role(
        self,
        database: DatabaseStack,
        processing: ProcessingStack,
        image: ecr_assets.DockerImageAsset,
    ) -> JobRole:
        clean, artefacts = self._storage.clean, self._storage.artefacts
        made = ["activations/", "embeddings/", "indexes/", "models/", "pointers/"]
        return JobRole(
            self,
            "ActivationRole",
            kind="ProcessingJobs",
            names=f"activate-{self._prefix}",
            repository=image.repository,
            in_vpc=True,
            given=[
                *database.grants,
                grants.list_bucket(clean),
                grants.read_objects(clean, "reviews/"),
                grants.list_bucket(artefacts),
                grants.read_objects(artefacts, *made),
                grants.write_objects(artefacts, *made),
                grants.delete_objects(artefacts, "indexes/"),
                grants.send_to(processing.shards.queue),
                *self._key_of_jobs(),
            ],
        )

    def _key_of_jobs(self) -> list[Grant]:
        """The data key for objects, and for disks, which SageMaker encrypts by a grant."""
        arn = self._storage.key.key_arn
        ours = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
        return [
            Grant(["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"], [arn]),
            Grant(["kms:CreateGrant"], [arn], conditions=ours),
        ]

    def _promotion_grants(self, candidate: JobRole, activation: JobRole) -> list[Grant]:
        artefacts, why = self._storage.artefacts, "each job has the name of its training"
        kinds = ("candidate-", "activate-")
        jobs = [self._jobs("processing-job", "train-", before=kind) for kind in kinds]
        start = ["AddTags", "CreateProcessingJob", "DescribeProcessingJob"]
        return [
            grants.list_bucket(artefacts),
            grants.read_objects(artefacts, _CANDIDATES, "models/", "pointers/"),
            grants.write_objects(artefacts, "models/"),
            *self._key_of_jobs(),
            Grant(["sagemaker:DescribeTrainingJob"], [self._jobs("training-job", "train-")], why),
            Grant([f"sagemaker:{action}" for action in start], jobs, why),
            *self._pass(candidate, activation),
        ]

    def _jobs(self, kind: str, name: str, before: str = "") -> str:
        return self.format_arn(
            service="sagemaker", resource=kind, resource_name=f"{before}{self._prefix}{name}*"
        )

    def _pass(self, *roles: iam.IRole) -> list[Grant]:
        """To SageMaker and to no one else."""
        to = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
        return [Grant(["iam:PassRole"], [role.role_arn for role in roles], conditions=to)]

    def _flow(self, operations: Operations) -> stepfunctions.StateMachine:
        # a name with this beginning costs no place in the policy of the account's logs
        path = f"/aws/vendedlogs/states/{self._prefix}training"
        group = operations.named_log_group(self, "FlowLogs", path)
        role = iam.Role(
            self,
            "FlowRole",
            assumed_by=iam.ServicePrincipal(
                "states.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": self.account}},
            ),
        )
        grants.give(role, Grant(["lambda:InvokeFunction"], [self.promotion.function.function_arn]))
        flow = stepfunctions.StateMachine(
            self,
            "TrainingFlow",
            state_machine_name=f"{self._prefix}training",
            comment="From a training to the current model",
            definition_body=stepfunctions.DefinitionBody.from_string(FLOW.read_text()),
            definition_substitutions={"PromotionFunction": self.promotion.function.function_arn},
            role=role,
            logs=stepfunctions.LogOptions(
                destination=group, level=stepfunctions.LogLevel.ALL, include_execution_data=True
            ),
            tracing_enabled=True,
        )
        acknowledge(role, "AwsSolutions-IAM5[Resource::*]", f"{_TRACES}; so for log deliveries")
        return flow

    def _start_flow(self, operations: Operations) -> None:
        """Start it with each training of this environment that is completed."""
        missed = sqs.Queue(
            self,
            "Missed",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
            removal_policy=operations.removal_policy,
        )
        acknowledge(missed, "AwsSolutions-SQS3", "It takes the dead letters of a rule")
        events.Rule(
            self,
            "Completed",
            description="A training of this environment is completed: make a candidate of it",
            event_pattern=events.EventPattern(
                source=["aws.sagemaker"],
                detail_type=["SageMaker Training Job State Change"],
                detail={
                    "TrainingJobStatus": ["Completed"],
                    "TrainingJobName": [{"prefix": f"{self._prefix}train-"}],
                },
            ),
            targets=[
                targets.SfnStateMachine(
                    self.flow,
                    input=events.RuleTargetInput.from_object(
                        {"training_job": events.EventField.from_path("$.detail.TrainingJobName")}
                    ),
                    dead_letter_queue=missed,
                    max_event_age=Duration.hours(2),
                    retry_attempts=20,
                )
            ],
        )
        minutes = Duration.minutes(5)
        Alarm(
            self,
            "MissedAlarm",
            operations=operations,
            metric=missed.metric_approximate_number_of_messages_visible(
                period=minutes, statistic="Maximum"
            ),
            threshold=1,
            why="Training: a completed training did not start the flow. The message in the queue "
            "names the job; start the state machine by hand with it.",
        )
        Alarm(
            self,
            "TimedOutAlarm",
            operations=operations,
            metric=self.flow.metric_timed_out(period=minutes, statistic="Sum"),
            threshold=1,
            why="Training: the flow took more than 48 hours and was ended. The current model "
            "stays. Look at its jobs in SageMaker, and start it again: it goes on where it was.",
        )
