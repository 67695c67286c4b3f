"""Settings of the services as processes of their own."""

from typing import Literal

from pydantic import Field, HttpUrl
from pydantic_settings import BaseSettings, SettingsConfigDict


class MetricsSettings(BaseSettings):
    """Where the metrics of a service are; needs the extra ``observe``."""

    model_config = SettingsConfigDict(
        env_prefix="REVIEWLENS_", env_ignore_empty=True, frozen=True, extra="ignore"
    )

    metrics_port: int | None = Field(default=None, ge=0, le=65535)
    """Port at which Prometheus reads the metrics of a service; unset: there are none."""


class TraceSettings(BaseSettings):
    """Where the traces of a service go, in the standard variables of OpenTelemetry.

    Needs the extra ``observe``. Traces are recorded if an endpoint is set or the exporter is
    ``otlp``. The other variables of OpenTelemetry for OTLP over HTTP, batches, samplers and
    resources have their standard meaning.
    """

    model_config = SettingsConfigDict(env_ignore_empty=True, frozen=True, extra="ignore")

    otel_exporter_otlp_endpoint: HttpUrl | None = None
    """URL of a collector, such as ``http://collector:4318``; spans go to its ``/v1/traces``."""
    otel_exporter_otlp_traces_endpoint: HttpUrl | None = None
    """URL that spans go to as it is, in place of that of the collector."""
    otel_traces_exporter: Literal["otlp", "none"] | None = None
    """``none``: no traces, even with an endpoint."""
    otel_exporter_otlp_protocol: Literal["http/protobuf"] = "http/protobuf"
    """How spans are sent."""
    otel_exporter_otlp_traces_protocol: Literal["http/protobuf"] = "http/protobuf"
    """How spans are sent, in place of the general protocol."""
    otel_service_name: str | None = None
    """Name of the service in its spans; unset: such as ``reviewlens-inference``."""
    otel_sdk_disabled: bool = False
    """``true``: no traces, whatever else is set."""

    @property
    def is_on(self) -> bool:
        """Whether traces are recorded."""
        if self.otel_sdk_disabled or self.otel_traces_exporter == "none":
            return False
        endpoint = self.otel_exporter_otlp_traces_endpoint or self.otel_exporter_otlp_endpoint
        return endpoint is not None or self.otel_traces_exporter == "otlp"
