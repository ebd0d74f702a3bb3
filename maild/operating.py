"""The tables of `maild.toml` that are about operating: what is kept, alarms, metrics, canary."""

from pydantic import BaseModel, ConfigDict, Field

from maild.values import Argv, Interval, Keep, LoopbackListen, MaybeAddress


class Table(BaseModel):
    """One table of the configuration: no key but those declared, nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class StoreTable(Table):
    """Where everything is kept, and for how long."""

    path: str = Field(
        default="var/maild.db",
        min_length=1,
        description="The database; a path without / in front is beside this file.",
    )
    keep_mails: Keep = Field(
        default="for ever",
        description='How long the words of mails are kept once their incident is over, such as "2 years"; then they are dropped as by `maild redact`. What happened, who wrote and when is kept for ever.',
    )
    keep_sent: Keep = Field(
        default="7 days",
        description="How long the bodies of mails that we have sent are kept; who got which when is kept for ever.",
    )


class AlarmTable(Table):
    """How somebody is called when mail alone cannot tell: the relay is down, the disk is full, a mail is shunted."""

    command: Argv = Field(
        default=(),
        description='A program and its arguments, such as ["/usr/local/bin/page", "oncall"], or the same as one string; run without a shell, once for each trouble until it is over; what is wrong stands on its standard input. It has 30 seconds.',
    )


class MetricsTable(Table):
    """Figures for Prometheus at /metrics, and at /healthz whether all is well."""

    listen: LoopbackListen = Field(
        default="",
        description='Where on this machine, such as "127.0.0.1:9125"; empty: nowhere.',
    )


class CanaryTable(Table):
    """A mail to ourselves through the outside: what does not come back in time is told as a trouble."""

    address: MaybeAddress = Field(
        default="",
        description='An address outside that forwards to us, best to the list\'s "+canary" address; empty: off.',
    )
    every: Interval = Field(default="15 min", description="How often one is sent.")
    within: Interval = Field(default="5 min", description="How soon it has to be back.")
