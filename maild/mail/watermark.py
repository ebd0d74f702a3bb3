"""How far a mailbox has been taken, as a value; it is written in one commit with the mail."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Watermark:
    """How far one mailbox has been taken (RFC 3501 §2.3.1.1).

    mailbox: its name in our database. validity: its UIDVALIDITY; UIDs mean nothing under another
    one. uid: whatever is numbered so or lower has been decided, but for `failed`. refused: decided,
    and to be moved aside still. failed: passed by, with how often it could not be fetched.
    """

    mailbox: str
    validity: int
    uid: int = 0
    refused: tuple[int, ...] = ()
    failed: tuple[tuple[int, int], ...] = ()

    def decided(self, uid: int, *, refused: bool = False) -> "Watermark":
        """Note that a mail is decided: taken, gone, or refused."""
        failed = tuple(entry for entry in self.failed if entry[0] != uid)
        aside = (*self.refused, uid) if refused else self.refused
        return replace(self, uid=max(self.uid, uid), refused=aside, failed=failed)

    def passed_by(self, uid: int) -> "Watermark":
        """Note that a mail could not be fetched, and that the next ones go on."""
        tries = self.tries(uid) + 1
        failed = (*(entry for entry in self.failed if entry[0] != uid), (uid, tries))
        return replace(self, uid=max(self.uid, uid), failed=failed)

    def tries(self, uid: int) -> int:
        """Say how often a mail could not be fetched."""
        return dict(self.failed).get(uid, 0)

    def left(self, present: frozenset[int]) -> "Watermark":
        """Forget those refused that have left the mailbox."""
        return replace(self, refused=tuple(uid for uid in self.refused if uid in present))
