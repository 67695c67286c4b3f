"""Moto's SageMaker with jobs that live: moto's own are complete at once and cannot be stopped."""

from contextlib import contextmanager

from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.responses import ActionResult
from moto.sagemaker.exceptions import ResourceInUseException, ValidationError
from moto.sagemaker.models import SageMakerModelBackend, sagemaker_backends
from moto.sagemaker.responses import SageMakerResponse

REGION = "eu-west-1"


def jobs():
    """moto's jobs by name."""
    return sagemaker_backends[DEFAULT_ACCOUNT_ID][REGION].training_jobs


@contextmanager
def living_jobs():
    """While it lasts: a job starts, its name is taken, and it can be stopped."""
    create = SageMakerModelBackend.create_training_job

    def living(self, training_job_name, **named):
        if training_job_name in self.training_jobs:
            raise ResourceInUseException(message="Training job names must be unique")
        definitions = named["algorithm_specification"].get("MetricDefinitions")
        job = create(self, training_job_name=training_job_name, **named)
        job.algorithm_specification["MetricDefinitions"] = definitions
        job.training_job_status, job.secondary_status = "InProgress", "Starting"
        job.training_start_time = job.training_end_time = None
        job.final_metric_data_list = []
        return job

    def stop(self):
        name = self._get_param("TrainingJobName")
        found = self.sagemaker_backend.training_jobs.get(name)
        if found is None:
            raise ValidationError(message="Requested resource not found.")
        if found.training_job_status != "InProgress":
            told = "The request was rejected because the training job is in status "
            raise ValidationError(message=told + found.training_job_status)
        found.training_job_status = found.secondary_status = "Stopping"
        return ActionResult({})

    SageMakerModelBackend.create_training_job = living
    SageMakerResponse.stop_training_job = stop
    try:
        yield
    finally:
        SageMakerModelBackend.create_training_job = create
        del SageMakerResponse.stop_training_job
        jobs().clear()
