"""Delivery: a push is checked, tested and built once; then staging, a person, production."""

import json
from collections.abc import Mapping
from typing import Any

from aws_cdk import CfnOutput, CfnParameter, Duration, Stack, Tags, pipelines
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_codepipeline_actions as actions
from aws_cdk import aws_iam as iam
from constructs import Construct

from cdk.constructs.exact import name_actions
from cdk.constructs.explained import acknowledge
from cdk.constructs.pipeline_roles import substitute_roles
from cdk.constructs.pipeline_store import PipelineStore
from cdk.constructs.tidy import drop_repeated_dependencies
from cdk.environments import Environment
from cdk.paths import ROOT
from cdk.stage import TAG, ReviewlensStage

NAME = "reviewlens-delivery"
_CONNECTION = (
    r"arn:aws[a-z-]*:(codestar-connections|codeconnections):[a-z0-9-]+:\d{12}:connection/.+"
)
_QUALIFIER = "hnb659fds"
"""Of the bootstrap stack: in the names of its roles and of its image repository."""
_WILDCARDS = {
    ":log-group:": "CodeBuild names its own log group after the project; ours is used in its place",
    ":report-group/": "CodeBuild names groups of test reports after the project",
    "arn:*:iam:": "Roles of the bootstrap stack alone: a condition asks for their tag",
    "Artefacts": "Each execution writes its artefacts under keys that nobody knows before",
    "*": "Written by CDK Pipelines: stacks, buckets and builds that it finds when it runs",
}
_TOLD = [
    codepipeline.PipelineNotificationEvents.PIPELINE_EXECUTION_FAILED,
    codepipeline.PipelineNotificationEvents.MANUAL_APPROVAL_NEEDED,
]


class DeliveryStack(Stack):
    """source -> synth -> itself -> zips, images -> staging, smoke test -> approval -> production.

    Images are built once, before the first environment: both environments name an image by the
    hash of its content, in a repository whose tags cannot be moved, so production runs the digest
    that was scanned and tested in staging.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        staging: Environment,
        production: Environment,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        email = f"/reviewlens/{production.name}/alarm-email"
        store = PipelineStore(self, "Store", email_parameter=email)
        code = codepipeline.Artifact("Code")
        base = codepipeline.Pipeline(
            self,
            "Pipeline",
            pipeline_name=NAME,
            pipeline_type=codepipeline.PipelineType.V2,
            artifact_bucket=store.artefacts,
            restart_execution_on_update=True,
            stages=[codepipeline.StageProps(stage_name="Source", actions=[self._source(code)])],
        )
        self._source_files = pipelines.CodePipelineFileSet.from_artifact(code)
        pipeline = pipelines.CodePipeline(
            self,
            "Delivery",
            code_pipeline=base,
            synth=self._synth(),
            cli_version=_pinned("aws-cdk"),
            cdk_assets_cli_version=_pinned("cdk-assets"),
            publish_assets_in_parallel=False,
            code_build_defaults=_builds(store),
            asset_publishing_code_build_defaults=pipelines.CodeBuildOptions(
                build_environment=codebuild.BuildEnvironment(
                    compute_type=codebuild.ComputeType.MEDIUM
                ),
                timeout=Duration.hours(2),
            ),
        )
        before = ReviewlensStage(self, environment=staging)
        after = ReviewlensStage(self, environment=production)
        release = pipelines.ManualApprovalStep("Release", comment=f"Release to {production.name}?")
        pipeline.add_stage(before, pre=[self._scan(pipeline)], post=self._accept(before))
        pipeline.add_stage(after, pre=[release], post=self._accept(after, "--read-only"))
        pipeline.build_pipeline()
        base.notify_on("Told", store.topic, events=_TOLD)
        for part in (base, pipeline):
            drop_repeated_dependencies(part)
        name_actions(self, _WILDCARDS)
        substitute_roles(base)
        for tagged in (store, base, pipeline):
            Tags.of(tagged).add(TAG, "delivery")
        acknowledge(pipeline, "AwsSolutions-CB3", "Docker, which builds the images, needs it")

    def _source(self, code: codepipeline.Artifact) -> actions.CodeStarConnectionsSourceAction:
        """Where the code comes from: parameters, which each later deployment keeps."""
        connection = CfnParameter(
            self,
            "ConnectionArn",
            allowed_pattern=_CONNECTION,
            description="Connection to the source host (Developer Tools, Connections)",
        )
        owner = CfnParameter(self, "Owner", min_length=1, description="Owner of the repository")
        repository = CfnParameter(
            self, "Repository", min_length=1, description="Name of the repository"
        )
        branch = CfnParameter(self, "Branch", default="main", description="Branch to deliver")
        return actions.CodeStarConnectionsSourceAction(
            action_name="Source",
            connection_arn=connection.value_as_string,
            owner=owner.value_as_string,
            repo=repository.value_as_string,
            branch=branch.value_as_string,
            output=code,
        )

    def _synth(self) -> pipelines.CodeBuildStep:
        """Check, test, make the zips, synthesize; the later steps get nothing but cdk.out/."""
        return pipelines.CodeBuildStep(
            "Synth",
            input=self._source_files,
            commands=[
                "make check",
                "make test",
                # without them the assembly would name a command of this machine
                ".venv/bin/python scripts/release/bundle_functions.py",
                "make synth",
                ".venv/bin/python scripts/release/check_assembly.py cdk.out",
            ],
            primary_output_directory="cdk.out",
            build_environment=codebuild.BuildEnvironment(compute_type=codebuild.ComputeType.LARGE),
            timeout=Duration.hours(2),
        )

    def _scan(self, pipeline: pipelines.CodePipeline) -> pipelines.CodeBuildStep:
        """Fail on critical findings in an image that is about to be deployed."""
        name = f"cdk-{_QUALIFIER}-container-assets-{self.account}-{self.region}"
        repository = self.format_arn(service="ecr", resource="repository", resource_name=name)
        return pipelines.CodeBuildStep(
            "ScanImages",
            input=self._source_files,
            additional_inputs={"cdk.out": pipeline.cloud_assembly_file_set},
            install_commands=["pip install --quiet --constraint constraints.txt boto3"],
            commands=["python scripts/release/scan_images.py cdk.out"],
            role_policy_statements=[
                iam.PolicyStatement(
                    actions=["ecr:DescribeImageScanFindings", "ecr:StartImageScan"],
                    resources=[repository],
                )
            ],
            timeout=Duration.hours(1),
        )

    def _accept(self, stage: ReviewlensStage, *options: str) -> list[pipelines.CodeBuildStep]:
        """See that a model is there, then ask what was just deployed."""
        accepted = stage.acceptance
        published = self._act(
            "PublishModel",
            accepted.publication_role,
            accepted.publication,
            install="pip install --quiet --constraint constraints.txt --editable '.[serve]'",
            command="python scripts/release/publish_model.py",
        )
        asked = self._act(
            "SmokeTest",
            accepted.smoke_role,
            accepted.smoke,
            install="pip install --quiet --constraint constraints.txt boto3",
            command=" ".join(["python scripts/release/smoke_test.py", *options]),
        )
        asked.add_step_dependency(published)
        return [published, asked]

    def _act(
        self, name: str, role: str, outputs: Mapping[str, CfnOutput], *, install: str, command: str
    ) -> pipelines.CodeBuildStep:
        """A command on what was deployed, with its outputs, under a role of the environment."""
        arn = self.format_arn(service="iam", region="", resource="role", resource_name=role)
        return pipelines.CodeBuildStep(
            name,
            input=self._source_files,
            install_commands=[install],
            commands=[command],
            env_from_cfn_outputs=outputs,
            role_policy_statements=[
                iam.PolicyStatement(actions=["sts:AssumeRole"], resources=[arn])
            ],
            timeout=Duration.minutes(30),
        )


def _builds(store: PipelineStore) -> pipelines.CodeBuildOptions:
    """What all builds have in common: a Python of ours, our key, a log that forgets."""
    return pipelines.CodeBuildOptions(
        build_environment=codebuild.BuildEnvironment(
            build_image=codebuild.LinuxBuildImage.STANDARD_7_0,
        ),
        logging=codebuild.LoggingOptions(
            cloud_watch=codebuild.CloudWatchLoggingOptions(log_group=store.logs)
        ),
        partial_build_spec=codebuild.BuildSpec.from_object(
            {"phases": {"install": {"runtime-versions": {"python": "3.12", "nodejs": "22"}}}}
        ),
    )


def _pinned(package: str) -> str:
    """The version of a command line that package.json pins."""
    version: str = json.loads((ROOT / "package.json").read_text())["devDependencies"][package]
    return version
