"""`maild.toml`, read from disk."""

import tomllib
from pathlib import Path

from maild.config import Config, ConfigError, config_of


def load_config(path: Path) -> Config:
    """Read `maild.toml`. Raises ConfigError with every mistake, each with the file's name."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    try:
        return config_of(table)
    except ConfigError as error:
        lines = str(error).split("\n")
        raise ConfigError("\n".join(f"{path}: {line}" for line in lines)) from error
