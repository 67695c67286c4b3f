"""Training jobs of moto that run and can be stopped; moto's own are complete at once."""

from contextlib import contextmanager

from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.responses import ActionResult
from moto.sagemaker.exceptions import ResourceInUseException, ValidationError
from moto.sagemaker.models import SageMakerModelBackend, sagemaker_backends
from moto.sagemaker.responses import SageMakerResponse

REGION = "eu-west-1"


def jobs():
    """moto's training jobs, by name."""
    return sagemaker_backends[DEFAULT_ACCOUNT_ID][REGION].training_jobs


@contextmanager
def stoppable_jobs():
    """Within this context a job starts, occupies its name, and can be stopped."""
    create = SageMakerModelBackend.create_training_job

    def create_in_progress(self, training_job_name, **parameters):
        if training_job_name in self.training_jobs:
            raise ResourceInUseException(message="Training job names must be unique")
        definitions = parameters["algorithm_specification"].get("MetricDefinitions")
        job = create(self, training_job_name=training_job_name, **parameters)
        job.algorithm_specification["MetricDefinitions"] = definitions
        job.training_job_status, job.secondary_status = "InProgress", "Starting"
        job.training_start_time = job.training_end_time = None
        job.final_metric_data_list = []
        return job

    def stop(self):
        name = self._get_param("TrainingJobName")
        job = self.sagemaker_backend.training_jobs.get(name)
        if job is None:
            raise ValidationError(message="Requested resource not found.")
        if job.training_job_status != "InProgress":
            message = "The request was rejected because the training job is in status "
            raise ValidationError(message=message + job.training_job_status)
        job.training_job_status = job.secondary_status = "Stopping"
        return ActionResult({})

    SageMakerModelBackend.create_training_job = create_in_progress
    SageMakerResponse.stop_training_job = stop
    try:
        yield
    finally:
        SageMakerModelBackend.create_training_job = create
        del SageMakerResponse.stop_training_job
        jobs().clear()
