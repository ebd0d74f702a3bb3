"""The alarms: what is wrong is told once, by each way that is left, and again only after it was well."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from maild.incident.entry import OwnerWord
from maild.mail.message import Outgoing
from maild.trouble import Broken

TICK_SECONDS: Final = 1.0
NO_TIME: Final = timedelta()


@dataclass(frozen=True, slots=True)
class Watch:
    """One kind of trouble, and how it is told.

    look: given whether it was told before, says in a sentence what is wrong, "" for nothing; it may
    raise Broken. patience: how long it has to last. command: whether the alarm command is run.
    about: of the owner's letter, "" for none. unwell: whether /healthz says so.
    """

    name: str
    look: Callable[[bool], str]
    patience: timedelta = NO_TIME
    command: bool = True
    about: str = ""
    unwell: bool = False


class Troubles(Protocol):
    """What the alarms need of a store; a store in trouble raises Broken, and is asked again."""

    def told(self) -> Mapping[str, datetime]:
        """List the troubles that were told and are not over."""
        ...

    def begin(self, name: str, since: datetime, letters: Sequence[Outgoing], now: datetime) -> None:
        """Note a trouble as told, and owe the letters on it."""
        ...

    def end(self, name: str) -> None:
        """Note that a trouble is over."""
        ...


Letters = Callable[[Sequence[OwnerWord], datetime], Sequence[Outgoing]]


class Alarms:
    """Watches for troubles. call: runs the alarm command with a trouble's name, beginning and words.

    letters: writes the owner's. owed: called when one is owed.
    """

    def __init__(
        self,
        watches: Sequence[Watch],
        store: Troubles,
        call: Callable[[str, datetime, str], None],
        letters: Letters,
        clock: Callable[[], datetime],
        log: Callable[..., None],
        owed: Callable[[], None],
    ) -> None:
        self.watches, self.store, self.call, self.letters = watches, store, call, letters
        self.clock, self.log, self.owed = clock, log, owed
        self.words: dict[str, str] = {}
        self._since: dict[str, datetime] = {}
        self._told: dict[str, datetime] | None = None
        # What the store knows of it, and the letters that it has not taken yet.
        self._stored: set[str] = set()
        self._letters: dict[str, Sequence[Outgoing]] = {}

    async def run(self) -> None:
        """Watch for ever, also while the store is in trouble."""
        while True:
            self.tick(self.clock())
            await asyncio.sleep(TICK_SECONDS)

    def unwell(self) -> str:
        """Say what keeps us from our work, "" for nothing."""
        found = (self.words[w.name] for w in self.watches if w.unwell and w.name in self.words)
        return next(found, "")

    def tick(self, now: datetime) -> None:
        """Look at everything once."""
        try:
            if self._told is None:
                self._told = dict(self.store.told())
                self._stored = set(self._told)
        except Broken:
            return
        for watch in self.watches:
            try:
                words = watch.look(watch.name in self._told)
            except Broken:
                continue
            self._judge(watch, words, self._told, now)
        self._save(self._told, now)

    def _judge(self, watch: Watch, words: str, told: dict[str, datetime], now: datetime) -> None:
        name = watch.name
        if not words:
            self.words.pop(name, None)
            self._since.pop(name, None)
            if told.pop(name, None) is not None:
                self._letters.pop(name, None)
                self.log("alarm_over", trouble=name)
            return
        since = self._since.setdefault(name, now)
        if name not in told and now - since < watch.patience:
            return
        self.words[name] = words
        if name not in told:
            told[name] = since
            self.log("alarm", trouble=name, words=words)
            if watch.command:
                self.call(name, since, words)
            if watch.about:
                at = f"{now:%Y-%m-%d %H:%M} UTC"
                self._letters[name] = self.letters([OwnerWord(watch.about, at, detail=words)], now)

    def _save(self, told: Mapping[str, datetime], now: datetime) -> None:
        try:
            for name in set(told) - self._stored:
                self.store.begin(name, told[name], self._letters.get(name, ()), now)
                self._letters.pop(name, None)
                self._stored.add(name)
                self.owed()
            for name in self._stored - set(told):
                self.store.end(name)
                self._stored.discard(name)
        except Broken:
            # A full disk takes no note; the next tick tries again.
            return
