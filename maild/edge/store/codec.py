"""The core's frozen values to JSON and back, each with its type's name."""

import dataclasses
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from maild.incident import entry, model, verdict
from maild.mail.message import Address
from maild.reading.reading import Person
from maild.roster.subscription import Subscription

_TYPES: Final[dict[str, type]] = {
    cls.__name__: cls
    for cls in (
        Address,
        Person,
        entry.Draft,
        verdict.Finding,
        verdict.Stated,
        Subscription,
        model.Incident,
        model.Declared,
        model.SeverityChanged,
        model.PhaseChanged,
        model.CommandTransferred,
        model.ChannelsMoved,
        model.RoleAssigned,
        model.NextUpdatePromised,
        model.StartSet,
        model.UpdatePosted,
        model.NotePosted,
        model.RemindersSnoozed,
        model.Voided,
        model.Archived,
        model.Merged,
    )
}
_FIELDS: Final = {
    name: tuple(field.name for field in dataclasses.fields(cls)) for name, cls in _TYPES.items()
}


def to_json(value: object) -> str:
    """Write a frozen value of the core as JSON; raises KeyError for a type that is not known."""
    return _ENCODER.encode(value)


def from_json(text: str) -> Any:
    """Read what `to_json` wrote; raises KeyError for a type that is not known."""
    return _tuple(_DECODER.decode(text))


def _plain(value: object) -> object:
    """Give what JSON does not know in terms of what it does; what is inside comes here by itself."""
    if isinstance(value, datetime):
        return {"_": "datetime", "at": value.isoformat()}
    if isinstance(value, frozenset):
        return {"_": "set", "of": sorted(str(item) for item in value)}
    if isinstance(value, Mapping):
        return dict(value)
    name = type(value).__name__
    return {"_": name, **{field: getattr(value, field) for field in _FIELDS[name]}}


def _made(plain: dict[str, Any]) -> Any:
    """Make the value of a JSON object; what stands inside it is made already."""
    name = plain.pop("_", None)
    if name == "datetime":
        return datetime.fromisoformat(plain["at"])
    if name == "set":
        return frozenset(plain["of"])
    for key, value in plain.items():
        if isinstance(value, list):
            plain[key] = _tuple(value)
    return plain if name is None else _TYPES[name](**plain)


def _tuple(value: Any) -> Any:
    return tuple(_tuple(item) for item in value) if isinstance(value, list) else value


_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_plain)
_DECODER: Final = json.JSONDecoder(object_hook=_made)
