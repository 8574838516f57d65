"""
What every service is configured by: environment variables that start with KEPU_.

Secrets come from the environment alone and are never printed. `kepu keys` makes a
fresh set of them.
"""

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

Role = Literal["api", "worker", "all"]


class KafkaSettings(BaseSettings):
    """Where Kafka is."""

    model_config = SettingsConfigDict(
        env_prefix="KEPU_",
        frozen=True,
        extra="ignore",
        # What is wrong with one setting would else be told with the values of all, secrets too.
        hide_input_in_errors=True,
    )

    kafka: str = Field("127.0.0.1:9092", description="Kafka's bootstrap servers, host:port[,host:port]")
    kafka_replication: int = Field(1, ge=1, le=5, description="replicas of the topics that are created")


class Settings(KafkaSettings):
    """What every service needs to know."""

    mongo: str = Field(
        "mongodb://127.0.0.1:27017/?replicaSet=rs0", description="MongoDB's address; a replica set"
    )
    role: Role = Field("all", description="api: HTTP; worker: consumers and relay; all: both")
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=0, le=65_535, description="port to listen on")
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    instance: str = Field("", max_length=64, description="stable name of this process, for static membership")
    organiser_key: SecretStr = Field(description="the key that organisers' requests carry", min_length=16)
    token_public_key: str = Field(description="Ed25519 public key that participants' tokens are checked with")
