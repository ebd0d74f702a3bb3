"""The log: a line is a named event with fields; JSON, or readable on a terminal."""

import logging
import sys
from collections.abc import Callable, MutableMapping
from typing import Any

import structlog

Log = Callable[..., None]


def set_up(process: str) -> Log:
    """Configure the log of this process; gives the function that writes an event: log(name, **fields)."""

    def named(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["process"] = process
        return event

    processors: list[Any] = [
        named,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
    ]
    if sys.stderr.isatty():
        processors.append(structlog.dev.ConsoleRenderer())
    else:
        processors.append(structlog.processors.JSONRenderer(ensure_ascii=False))
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    # Libraries speak to the standard log; only their warnings are ours to show.
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    logger = structlog.get_logger()

    def log(event: str, **fields: object) -> None:
        if "error" in fields and isinstance(fields["error"], BaseException):
            error = fields.pop("error")
            logger.error(event, exc_info=error, **fields)
        else:
            logger.info(event, **fields)

    return log
