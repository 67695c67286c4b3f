"""Training: settings and roles of SageMaker jobs, and the flow from a training to the model."""

import json
from typing import Any

from aws_cdk import Duration, Fn, Stack
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as stepfunctions
from constructs import Construct

from cdk.constructs import grants
from cdk.constructs.acknowledgments import acknowledge
from cdk.constructs.alarm import Alarm
from cdk.constructs.failures import keep_failures
from cdk.constructs.flow import create_flow, map_grants
from cdk.constructs.function import ServiceFunction
from cdk.constructs.grants import Grant
from cdk.constructs.job_role import JobRole
from cdk.constructs.network import Network
from cdk.constructs.operations import Operations
from cdk.constructs.queue import create_dead_letters, watch_messages
from cdk.packaging import images
from cdk.paths import ROOT
from cdk.stacks.database import DatabaseStack
from cdk.stacks.processing import ProcessingStack
from cdk.stacks.storage import MODEL_PLANS, PLAN_RESULTS, TRAINING_DATA, StorageStack
from lambdas.promotion.settings import PromotionSettings

FLOW = ROOT / "cdk" / "flows" / "training.asl.json"
_FAMILIES_WITH_DISKS = frozenset({"g4dn", "g5", "g6", "g6e", "p4d", "p4de", "p5", "p5e", "p5en"})
"""GPU instances with local disks, which the instance encrypts: they accept no KMS key."""
_TRAINING, _ENCODERS = "training", "training/encoders/"
_MODELS, _CHECKPOINTS = "training/models/", "training/checkpoints/"
_CANDIDATES = "candidates/"


class TrainingStack(Stack):
    """POST /train (api) -> training -> event -> flow -> candidate, gate -> activation -> pointers.

    Exports ``values`` and ``grants`` for the function behind /train, and the ``flow``. Jobs have no
    network access; only activation, which needs PostgreSQL, runs in the VPC.
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
        training_image = self._create_image(images.TRAINING)
        activation_image = self._create_image(images.ACTIVATION)
        self._create_training_role(operations, training_image)
        candidate = self._create_candidate_role(training_image)
        activation = self._create_activation_role(database, processing, activation_image)
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
                "candidate_image_uri": training_image.image_uri,
                "candidate_role_arn": candidate.role_arn,
                "activation_image_uri": activation_image.image_uri,
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
        keep_failures(
            self,
            "PromotionFailures",
            operations=operations,
            service=self.promotion,
            description="Promotion: a step of the training flow failed that was invoked without "
            "waiting for it. The message has the event and the error; the current model stays.",
        )
        self.flow = self._create_flow(operations, processing)
        self._start_flow_on_completion(operations)

    def _create_image(self, name: str) -> ecr_assets.DockerImageAsset:
        return ecr_assets.DockerImageAsset(
            self,
            f"{name.title()}Image",
            directory=str(images.build_context(name)),
            asset_name=f"reviewlens-{name}",
            build_args=images.build_args(name),
            platform=ecr_assets.Platform.LINUX_AMD64,
        )

    def _create_training_role(
        self, operations: Operations, image: ecr_assets.DockerImageAsset
    ) -> None:
        """Create the role of trainings, and the settings and grants to start them."""
        environment, artefacts = operations.environment, self._storage.artefacts
        local_disk = environment.training_instance_type.split(".")[1] in _FAMILIES_WITH_DISKS
        role = JobRole(
            self,
            "TrainingRole",
            kind="TrainingJobs",
            name_prefix=f"{self._prefix}train-",
            repository=image.repository,
            grants=[
                grants.list_bucket(artefacts),
                grants.read_objects(artefacts, TRAINING_DATA, _ENCODERS, _CHECKPOINTS),
                grants.write_objects(artefacts, _MODELS, _CHECKPOINTS),
                *self._job_key_grants(),
            ],
        )
        self.values = {
            "training_name_prefix": self._prefix,
            "training_image_uri": image.image_uri,
            "training_role_arn": role.role_arn,
            "training_data_uri": artefacts.s3_url_for_object(TRAINING_DATA),
            "training_output_uri": artefacts.s3_url_for_object(_TRAINING),
            "training_encoders_uri": artefacts.s3_url_for_object(_ENCODERS),
            "training_encoders": environment.training_encoders,
            "training_isolated": True,
            "training_key_arn": self._storage.key.key_arn,
            "training_volume_key_arn": "" if local_disk else self._storage.key.key_arn,
            "training_instance_type": environment.training_instance_type,
            "training_spot": environment.training_spot,
        }
        jobs = [self._job_arn("training-job", "train-")]
        conditions = {
            "Bool": {"sagemaker:NetworkIsolation": "true"},
            "ArnEquals": {"sagemaker:OutputKmsKey": self._storage.key.key_arn},
            "ForAllValues:StringEquals": {
                "sagemaker:InstanceTypes": [environment.training_instance_type]
            },
        }
        reason = "jobs of this environment share a name prefix"
        self.grants = [
            Grant(["sagemaker:CreateTrainingJob"], jobs, reason, conditions),
            Grant(
                [
                    "sagemaker:AddTags",
                    "sagemaker:DescribeTrainingJob",
                    "sagemaker:StopTrainingJob",
                ],
                jobs,
                reason,
            ),
            *self._pass_role_grants(role),
        ]

    def _create_candidate_role(self, image: ecr_assets.DockerImageAsset) -> JobRole:
        artefacts = self._storage.artefacts
        return JobRole(
            self,
            "CandidateRole",
            kind="ProcessingJobs",
            name_prefix=f"candidate-{self._prefix}",
            repository=image.repository,
            grants=[
                grants.list_bucket(artefacts),
                grants.read_objects(artefacts, TRAINING_DATA, _ENCODERS, _MODELS, "models/"),
                grants.write_objects(artefacts, _CANDIDATES),
                *self._job_key_grants(),
            ],
        )

    def _create_activation_role(
        self,
        database: DatabaseStack,
        processing: ProcessingStack,
        image: ecr_assets.DockerImageAsset,
    ) -> JobRole:
        clean, artefacts = self._storage.clean, self._storage.artefacts
        prefixes = ["activations/", "embeddings/", "indexes/", "models/", "pointers/"]
        prefixes += ["quarantine/"]
        return JobRole(
            self,
            "ActivationRole",
            kind="ProcessingJobs",
            name_prefix=f"activate-{self._prefix}",
            repository=image.repository,
            in_vpc=True,
            grants=[
                *database.grants,
                grants.list_bucket(clean),
                grants.read_objects(clean, "reviews/"),
                grants.list_bucket(artefacts),
                grants.read_objects(artefacts, *prefixes),
                grants.write_objects(artefacts, *prefixes),
                grants.delete_objects(artefacts, "embeddings/", "indexes/"),
                grants.send_messages(processing.shards.queue),
                *self._job_key_grants(),
            ],
        )

    def _job_key_grants(self) -> list[Grant]:
        """The data key for objects and for disks, for which SageMaker needs a KMS grant."""
        arn = self._storage.key.key_arn
        aws_only = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
        return [
            Grant(["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"], [arn]),
            Grant(["kms:CreateGrant"], [arn], conditions=aws_only),
        ]

    def _promotion_grants(self, candidate: JobRole, activation: JobRole) -> list[Grant]:
        artefacts, reason = self._storage.artefacts, "each job is named after its training"
        kinds = ("candidate-", "activate-")
        jobs = [self._job_arn("processing-job", "train-", kind=kind) for kind in kinds]
        actions = ["AddTags", "CreateProcessingJob", "DescribeProcessingJob"]
        return [
            grants.list_bucket(artefacts),
            grants.read_objects(artefacts, _CANDIDATES, "models/", "pointers/"),
            grants.write_objects(artefacts, "models/"),
            *self._job_key_grants(),
            Grant(
                ["sagemaker:DescribeTrainingJob"],
                [self._job_arn("training-job", "train-")],
                reason,
            ),
            Grant([f"sagemaker:{action}" for action in actions], jobs, reason),
            *self._pass_role_grants(candidate, activation),
        ]

    def _job_arn(self, resource: str, name: str, kind: str = "") -> str:
        return self.format_arn(
            service="sagemaker", resource=resource, resource_name=f"{kind}{self._prefix}{name}*"
        )

    def _pass_role_grants(self, *roles: iam.IRole) -> list[Grant]:
        """Permission to pass the roles, but only to SageMaker."""
        to_sagemaker = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
        return [Grant(["iam:PassRole"], [role.role_arn for role in roles], conditions=to_sagemaker)]

    def _create_flow(
        self, operations: Operations, processing: ProcessingStack
    ) -> stepfunctions.StateMachine:
        """The flow; as many shards are scored at once as processing has workers."""
        definition = json.loads(FLOW.read_text())
        workers = operations.environment.processing_workers
        definition["States"]["ScoreShards"]["MaxConcurrency"] = workers
        functions = [self.promotion.function.function_arn, processing.scorer.function.function_arn]
        clean = self._storage.clean
        name = f"{self._prefix}training"
        return create_flow(
            self,
            "TrainingFlow",
            operations=operations,
            name=name,
            comment="From a training to the current model",
            definition=json.dumps(definition),
            substitutions={
                "PromotionFunction": functions[0],
                "ScoringFunction": functions[1],
                "CleanBucket": clean.bucket_name,
            },
            allowed=[
                Grant(["lambda:InvokeFunction"], functions),
                *map_grants(self, name, "shards"),
                grants.read_objects(clean, MODEL_PLANS, PLAN_RESULTS),
                grants.write_objects(clean, PLAN_RESULTS),
                grants.encrypt(self._storage.key),
            ],
            logs_data=True,
        )

    def _start_flow_on_completion(self, operations: Operations) -> None:
        """Start the flow for each completed training of this environment."""
        missed = create_dead_letters(self, "Missed", operations=operations)
        acknowledge(missed, "AwsSolutions-SQS3", "It is the dead-letter queue of a rule")
        events.Rule(
            self,
            "Completed",
            description="Starts the training flow when a training of this environment completes",
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
        period = Duration.minutes(5)
        watch_messages(
            self,
            "MissedAlarm",
            missed,
            operations=operations,
            description="Training: a completed training did not start the flow. The message in the "
            "queue names the job; start the state machine manually with this job.",
        )
        Alarm(
            self,
            "TimedOutAlarm",
            operations=operations,
            metric=self.flow.metric_timed_out(period=period, statistic="Sum"),
            threshold=1,
            description="Training: the flow took more than 48 hours and was stopped. The current "
            "model stays. Look at its jobs in SageMaker, then start it again: it continues where "
            "it stopped.",
        )
