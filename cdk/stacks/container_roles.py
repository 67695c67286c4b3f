"""Roles of the containers: each service has one, with what it reads and writes alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from aws_cdk import ArnFormat, Fn, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk.constructs import grants
from cdk.constructs.declared_services import DeclaredService
from cdk.constructs.grants import Grant
from cdk.stacks.api_functions import SERVED
from cdk.stacks.storage import UPLOADS, WEB_UPLOADS

_BUCKETS = ("raw_bucket", "clean_bucket", "artefact_bucket")
_QUEUES = tuple(f"{name}_queue_url" for name in ("collection", "index", "pictures", "processing"))
_PUBLISHED = ("activations/", "indexes/", "models/", "pointers/", "quarantine/")
"""What publishing a model reads and writes."""


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What exists outside of the stack."""

    buckets: Mapping[str, s3.IBucket]
    queues: Mapping[str, sqs.IQueue]
    secrets: Mapping[str, secretsmanager.ISecret]
    key: kms.IKey
    image_fetch: str
    """ARN of the function that fetches pictures; of no function if none is named."""


def resources_of(
    stack: Stack, parameters: Mapping[str, str], secrets: Mapping[str, secretsmanager.ISecret]
) -> Resources:
    """The resources that the parameters of a stack name.

    Args:
        stack: the stack.
        parameters: name of a parameter → its value; ``key_arn`` is the key of the buckets.
        secrets: name of a secret → the secret.
    """
    queues = {}
    for name in _QUEUES:
        # the name of a queue of this account and region is the last part of its URL
        queue = Fn.select(4, Fn.split("/", parameters[name]))
        arn = stack.format_arn(service="sqs", resource=queue)
        queues[name] = sqs.Queue.from_queue_arn(stack, f"Queue-{name}", arn)
    return Resources(
        buckets={
            name: s3.Bucket.from_bucket_name(stack, f"Bucket-{name}", parameters[name])
            for name in _BUCKETS
        },
        queues=queues,
        secrets=secrets,
        key=kms.Key.from_key_arn(stack, "Key", parameters["key_arn"]),
        image_fetch=stack.format_arn(
            service="lambda",
            resource="function",
            resource_name=parameters["image_fetch_function"],
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        ),
    )


def create_role(
    scope: Construct, construct_id: str, *, service: DeclaredService, resources: Resources
) -> iam.Role:
    """The role of a service, which only tasks of ECS assume.

    Args:
        scope: the stack.
        construct_id: its id in the stack.
        service: the declaration of the service.
        resources: what it may be allowed to use.
    """
    role = iam.Role(
        scope,
        construct_id,
        description=f"Reviewlens containers: {service.name}",
        assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"),
    )
    own = [name for name in service.secrets_by_arn if name in resources.secrets]
    grants.attach(
        role,
        *(grants.read_secret(resources.secrets[name]) for name in own),
        *_grants(service, resources),
        *_fetch_grants(service, resources),
    )
    return role


def _fetch_grants(service: DeclaredService, resources: Resources) -> Iterator[Grant]:
    """What those need that have pictures fetched, of callers or of reviews."""
    if service.name in ("inference", "retrieval") or service.kind == "worker":
        yield Grant(["lambda:InvokeFunction"], [resources.image_fetch])


def _grants(service: DeclaredService, resources: Resources) -> Iterator[Grant]:
    """What the function of the same name may do on Lambda; the worker runs all others."""
    raw, clean, artefacts = (resources.buckets[name] for name in _BUCKETS)
    queues = resources.queues
    if service.name in ("inference", "retrieval"):
        yield from (grants.list_bucket(artefacts), grants.read_objects(artefacts, *SERVED))
        yield grants.decrypt(resources.key)
    if service.name == "retrieval":
        yield grants.send_messages(queues["index_queue_url"])
    if service.name == "collection":
        yield from (grants.list_bucket(raw), grants.put_objects(raw, WEB_UPLOADS))
        yield grants.put_matching_objects(raw, f"{UPLOADS}*.mapping.json")
        yield grants.encrypt(resources.key)
        yield grants.send_messages(queues["collection_queue_url"])
    if service.name == "processing":
        yield grants.list_bucket(artefacts)
        yield grants.read_objects(artefacts, "models/", "pointers/")
        yield grants.decrypt(resources.key)
        for name in ("processing_queue_url", "index_queue_url"):
            yield grants.send_messages(queues[name])
    if service.kind == "once":
        yield grants.list_bucket(artefacts)
        yield grants.read_objects(artefacts, *_PUBLISHED)
        yield grants.write_objects(artefacts, *_PUBLISHED)
        yield grants.encrypt(resources.key)
    if service.kind == "worker":
        for bucket in (raw, clean, artefacts):
            yield grants.list_bucket(bucket)
            yield grants.read_objects(bucket, "")
            yield grants.write_objects(bucket, "")
            yield grants.delete_objects(bucket, "")
            yield from grants.delete_versions(bucket, "")
        yield grants.encrypt(resources.key)
        for queue in queues.values():
            yield grants.send_messages(queue)
            yield grants.receive_messages(queue)
