"""Processing jobs of SageMaker that run; moto's own are only recorded.

A job runs when it is described: its inputs are downloaded from S3 to a folder, a function of the
test replaces its container, and its output is uploaded to S3.
"""

import os
import shutil
import threading
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch
from urllib.parse import urlsplit

from moto.core import DEFAULT_ACCOUNT_ID
from moto.sagemaker.exceptions import ResourceInUseException
from moto.sagemaker.models import SageMakerModelBackend, sagemaker_backends
from moto.sagemaker.responses import SageMakerResponse

from tests.fakes.sagemaker import REGION

_PARAMETERS = ("AppSpecification", "Environment", "NetworkConfig", "ProcessingInputs", "RoleArn")
_PARAMETERS += ("ProcessingOutputConfig", "ProcessingResources", "StoppingCondition")
Container = Callable[[dict, Path], tuple[int, str]]
"""(request, folder with input/ and output/) → exit status, exit message."""


class ProcessingJobs:
    """``containers``: a function per module. ``requests``: the request of each job, by name.

    A job ends once it was described ``looks_until_done`` times and ``may_end()`` is true.
    """

    def __init__(self, s3, root):
        self.containers: dict[str, Container] = {}
        self.requests: dict[str, dict] = {}
        self.looks_until_done = 1
        self.may_end = lambda: True
        self.lock = threading.RLock()
        self._looks: dict[str, int] = {}
        self._s3, self._root = s3, root

    def look(self, job):
        if job.processing_job_status != "InProgress":
            return
        name = job.processing_job_name
        self._looks[name] = self._looks.get(name, 0) + 1
        if self._looks[name] > self.looks_until_done and self.may_end():
            self._run(job)

    def _run(self, job):
        request = self.requests[job.processing_job_name]
        folder = self._root / job.processing_job_name
        for each in request["ProcessingInputs"] or []:
            self._download(each["S3Input"], folder)
        (folder / "output").mkdir(parents=True)
        module = request["AppSpecification"]["ContainerEntrypoint"][-1]
        with patch.dict(os.environ, request["Environment"] or {}):
            status, job.exit_message = self.containers[module](request, folder)
        if status:
            job.processing_job_status = "Failed"
            job.failure_reason = f"AlgorithmError: , exit code: {status}"
            return
        for each in (request["ProcessingOutputConfig"] or {}).get("Outputs", []):
            self._upload(folder / "output", each["S3Output"]["S3Uri"])
        job.processing_job_status = "Completed"

    def _download(self, source, folder):
        bucket, prefix = _bucket_and_key(source["S3Uri"])
        target = folder / Path(source["LocalPath"]).relative_to("/opt/ml/processing")
        target.mkdir(parents=True)
        objects = self._s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        assert objects, f"nothing at {source['S3Uri']}: SageMaker fails such a job"
        for each in objects:
            name = each["Key"].removeprefix(prefix).lstrip("/") or Path(each["Key"]).name
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            self._s3.download_file(bucket, each["Key"], str(target / name))

    def _upload(self, folder, uri):
        bucket, prefix = _bucket_and_key(uri)
        for path in folder.rglob("*"):
            if path.is_file():
                key = f"{prefix.rstrip('/')}/{path.relative_to(folder)}"
                self._s3.upload_file(str(path), bucket, key)
        shutil.rmtree(folder)


def _bucket_and_key(uri):
    parts = urlsplit(uri)
    return parts.netloc, parts.path.lstrip("/")


@contextmanager
def running_jobs(s3, root):
    """Run processing jobs within this context; yields the ProcessingJobs."""
    jobs = ProcessingJobs(s3, root)
    create = SageMakerModelBackend.create_processing_job
    describe = SageMakerModelBackend.describe_processing_job
    respond = SageMakerResponse.create_processing_job

    def record_request(self):
        if self._get_param("ProcessingJobName") in jobs.requests:
            raise ResourceInUseException(message="Processing job names must be unique")
        request = {name: self._get_param(name) for name in _PARAMETERS}
        jobs.requests[self._get_param("ProcessingJobName")] = request
        return respond(self)

    def serialize_requests(self):
        with jobs.lock:
            return record_request(self)

    def create_in_progress(self, **parameters):
        job = create(self, **parameters)
        job.processing_job_status = "InProgress"
        return job

    def run_and_describe(self, processing_job_name):
        with jobs.lock:
            if processing_job_name in self.processing_jobs:
                jobs.look(self.processing_jobs[processing_job_name])
            return describe(self, processing_job_name)

    with (
        patch.object(SageMakerResponse, "create_processing_job", serialize_requests),
        patch.object(SageMakerModelBackend, "create_processing_job", create_in_progress),
        patch.object(SageMakerModelBackend, "describe_processing_job", run_and_describe),
    ):
        yield jobs


def training_jobs():
    """moto's training jobs by name."""
    return sagemaker_backends[DEFAULT_ACCOUNT_ID][REGION].training_jobs
