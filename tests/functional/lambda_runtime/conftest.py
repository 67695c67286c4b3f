"""The functions in the real runtime client, with only the files that they ship."""

import json
import os
import secrets
import shutil
from pathlib import Path

import boto3
import psycopg
import pytest

from cdk.packaging.table import handler_of, sources_of
from cdk.paths import ROOT
from shared.db.connection import connection_arguments
from shared.db.roles import TABLE_PRIVILEGES
from shared.storage.objects import S3Store
from tests.corpus import publish_model
from tests.functional.lambda_runtime.runtime_api import Function
from tests.isolation import library_path
from tests.models import model_folder

EVENTS = Path(__file__).resolve().parents[2] / "events"


class Cloud:
    """Buckets, queues, secrets and PostgreSQL, and the functions that use them."""

    def __init__(self, endpoint, secret, folder):
        self._endpoint = endpoint
        self._folder = folder
        self._database = secret
        self._functions = {}
        self._processes = []
        self.variables = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "LAMBDA_TASK_ROOT": "/var/task",
            "REVIEWLENS_DATABASE_SECRET_ID": self._secret(secret),
            "REVIEWLENS_REVIEWER_KEY_SECRET_ID": self._secret({"key": "0f" * 32}),
            **{f"REVIEWLENS_{n}_BUCKET": self._bucket() for n in ("RAW", "CLEAN", "ARTEFACT")},
            **{
                f"REVIEWLENS_{n}_QUEUE_URL": self._queue()
                for n in ("COLLECTION", "PROCESSING", "INDEX", "EVENTS")
            },
            "REVIEWLENS_ENVIRONMENT": "prod",
            "REVIEWLENS_EVENT_BUS": "default",
            "REVIEWLENS_CORS_ORIGINS": "https://shop.example.org",
        }

    def client(self, service):
        return boto3.client(
            service,
            endpoint_url=self._endpoint,
            region_name="eu-west-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def store(self, bucket):
        return S3Store(self.client("s3"), self.variables[f"REVIEWLENS_{bucket}_BUCKET"])

    def rows(self, query, *arguments):
        with psycopg.connect(**connection_arguments(self._database)) as connection:
            return connection.execute(query, arguments).fetchall()

    def function(self, name):
        """The warm process of a function, started at the first call."""
        if name not in self._functions:
            self._functions[name] = self.cold(name)
        return self._functions[name]

    def cold(self, name, handler=None, leave_out=(), **variables):
        """A new process of a function, with only the files that it ships."""
        task = self._folder / f"task-{len(self._processes)}-{name}"
        for source in sources_of(name):
            path = task / source
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / source, path)
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": library_path(),
            **self.variables,
            "AWS_LAMBDA_FUNCTION_NAME": f"reviewlens-{name}",
            "REVIEWLENS_CACHE_DIR": str(task / "cache"),
            **variables,
        }
        environment = {n: v for n, v in environment.items() if n not in leave_out}
        log = self._folder / f"{task.name}.log"
        self._processes.append(Function(handler or handler_of(name), task, environment, log))
        return self._processes[-1]

    def messages(self, queue):
        """Bodies of all messages of a queue; the messages are deleted."""
        url = self.variables[f"REVIEWLENS_{queue}_QUEUE_URL"]
        sqs, bodies = self.client("sqs"), []
        while batch := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            bodies += [message["Body"] for message in batch]
            for message in batch:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bodies

    def subscribe(self, pattern):
        """Make a rule that sends the events of a pattern to the queue EVENTS."""
        url, events = self.variables["REVIEWLENS_EVENTS_QUEUE_URL"], self.client("events")
        attributes = self.client("sqs").get_queue_attributes(
            QueueUrl=url, AttributeNames=["QueueArn"]
        )
        name = f"test-{secrets.token_hex(8)}"
        events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        target = {"Id": "queue", "Arn": attributes["Attributes"]["QueueArn"]}
        events.put_targets(Rule=name, Targets=[target])

    def clear(self, owner):
        """Empty the tables that the functions may write; ``owner`` is a secret."""
        with psycopg.connect(**connection_arguments(owner)) as connection:
            connection.execute(f"TRUNCATE {', '.join(TABLE_PRIVILEGES)}")

    def close(self):
        for function in self._processes:
            function.close()

    def _secret(self, value):
        name = f"test-{secrets.token_hex(8)}"
        self.client("secretsmanager").create_secret(Name=name, SecretString=json.dumps(value))
        return name

    def _bucket(self):
        name = f"test-{secrets.token_hex(8)}"
        location = {"LocationConstraint": "eu-west-1"}
        self.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=location)
        return name

    def _queue(self):
        return self.client("sqs").create_queue(QueueName=f"test-{secrets.token_hex(8)}")["QueueUrl"]


def event(name, **changes):
    """An event of tests/events, with some fields replaced."""
    return {**json.loads((EVENTS / f"{name}.json").read_text()), **changes}


def sqs_event(*bodies):
    """A batch as SQS sends it, with ids m0, m1, …"""
    record = event("sqs_s3_object_created")["Records"][0]
    return {
        "Records": [{**record, "messageId": f"m{n}", "body": body} for n, body in enumerate(bodies)]
    }


def s3_notification(bucket, key, etag):
    """The notification that S3 sends for a new object."""
    notification = json.loads(event("sqs_s3_object_created")["Records"][0]["body"])
    entity = notification["Records"][0]["s3"]
    entity["bucket"]["name"] = bucket
    entity["object"] |= {"key": key, "eTag": etag}
    return notification


@pytest.fixture(scope="module")
def cloud(aws_endpoint, app_secret, tmp_path_factory):
    """An empty deployment: a model is published, and nothing is collected."""
    cloud = Cloud(aws_endpoint, app_secret, tmp_path_factory.mktemp("runtime"))
    publish_model(cloud.store("ARTEFACT"), model_folder())
    yield cloud
    cloud.close()
