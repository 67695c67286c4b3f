"""SageMaker's jobs in moto, which knows them and runs nothing: here they run.

A job is done when it is looked at: its inputs are taken from S3 into a folder, a program of the
test's stands for its container, and its output goes back to S3.
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

_TOLD = ("AppSpecification", "Environment", "NetworkConfig", "ProcessingInputs", "RoleArn")
_TOLD += ("ProcessingOutputConfig", "ProcessingResources", "StoppingCondition")
Container = Callable[[dict, Path], tuple[int, str]]
"""(request, folder with input/ and output/) → exit status, what it left as its message."""


class ProcessingJobs:
    """``containers``: for each module that is run, what runs it. ``requests``: by name of job.

    A job ends after ``looks_until_done``, and not before ``may_end()``.
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
            self._take(each["S3Input"], folder)
        (folder / "output").mkdir(parents=True)
        module = request["AppSpecification"]["ContainerEntrypoint"][-1]
        with patch.dict(os.environ, request["Environment"] or {}):
            status, job.exit_message = self.containers[module](request, folder)
        if status:
            job.processing_job_status = "Failed"
            job.failure_reason = f"AlgorithmError: , exit code: {status}"
            return
        for each in (request["ProcessingOutputConfig"] or {}).get("Outputs", []):
            self._put(folder / "output", each["S3Output"]["S3Uri"])
        job.processing_job_status = "Completed"

    def _take(self, given, folder):
        bucket, prefix = _place(given["S3Uri"])
        into = folder / Path(given["LocalPath"]).relative_to("/opt/ml/processing")
        into.mkdir(parents=True)
        found = self._s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        assert found, f"nothing at {given['S3Uri']}: SageMaker fails such a job"
        for each in found:
            name = each["Key"].removeprefix(prefix).lstrip("/") or Path(each["Key"]).name
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            self._s3.download_file(bucket, each["Key"], str(into / name))

    def _put(self, folder, uri):
        bucket, prefix = _place(uri)
        for path in folder.rglob("*"):
            if path.is_file():
                key = f"{prefix.rstrip('/')}/{path.relative_to(folder)}"
                self._s3.upload_file(str(path), bucket, key)
        shutil.rmtree(folder)


def _place(uri):
    parts = urlsplit(uri)
    return parts.netloc, parts.path.lstrip("/")


@contextmanager
def running_jobs(s3, root):
    """While it lasts, processing jobs run; gives the ProcessingJobs."""
    jobs = ProcessingJobs(s3, root)
    create = SageMakerModelBackend.create_processing_job
    describe = SageMakerModelBackend.describe_processing_job
    respond = SageMakerResponse.create_processing_job

    def responding(self):
        if self._get_param("ProcessingJobName") in jobs.requests:
            raise ResourceInUseException(message="Processing job names must be unique")
        told = {name: self._get_param(name) for name in _TOLD}
        jobs.requests[self._get_param("ProcessingJobName")] = told
        return respond(self)

    def one_by_one(self):
        with jobs.lock:
            return responding(self)

    def living(self, **named):
        job = create(self, **named)
        job.processing_job_status = "InProgress"
        return job

    def looked_at(self, processing_job_name):
        with jobs.lock:
            if processing_job_name in self.processing_jobs:
                jobs.look(self.processing_jobs[processing_job_name])
            return describe(self, processing_job_name)

    with (
        patch.object(SageMakerResponse, "create_processing_job", one_by_one),
        patch.object(SageMakerModelBackend, "create_processing_job", living),
        patch.object(SageMakerModelBackend, "describe_processing_job", looked_at),
    ):
        yield jobs


def training_jobs():
    """moto's training jobs by name."""
    return sagemaker_backends[DEFAULT_ACCOUNT_ID][REGION].training_jobs
