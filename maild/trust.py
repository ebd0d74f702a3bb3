"""Who signs for us, and whom we believe: built from the configuration where a daemon needs it.

Apart from `site.py`, because what speaks DNS and cryptography takes long to load, and most commands
need neither.
"""

from collections.abc import Callable

from maild.door import Authenticate
from maild.edge.authentication import Authenticator
from maild.edge.maildir_out import MaildirOut
from maild.edge.signing import KeyFault, SignedTransport, Signer, signer
from maild.edge.smtp_out import SmtpOut
from maild.mail.headers import author, body_of, fields, split_content
from maild.mail.message import Authenticated, RawMessage
from maild.mail.results import standing_of
from maild.site import Site


def signer_of(site: Site) -> Signer | None:
    """Say who signs what we send, None where nobody does. Raises KeyFault."""
    table = site.config.signing
    if not table.key_file:
        return None
    try:
        path = site.file(table.key_file)
    except FileNotFoundError as error:
        raise KeyFault(f"signing.key_file: {error}") from error
    return signer(site.signing_domain, table.selector, path, site.authserv_id)


def way_out(
    site: Site, unsigned: Callable[[Exception], None]
) -> SmtpOut | MaildirOut | SignedTransport:
    """Give the way out, signing what passes; unsigned: told of what could not be."""
    found = signer_of(site)
    return SignedTransport(site.transport(), found, unsigned) if found else site.transport()


def authenticator(site: Site) -> Authenticate | None:
    """Say who finds out whether From is genuine; None where everybody is believed."""
    posting = site.config.posting
    if posting.authenticate == "none":
        return None
    if posting.authserv_id:
        return Believed(posting.authserv_id)
    return Authenticator(site.authserv_id, frozenset(map(str.lower, posting.trusted_forwarders)))


class Believed:
    """Believes the topmost Authentication-Results, where a server that we trust has written it."""

    def __init__(self, authserv_id: str) -> None:
        self.authserv_id = authserv_id

    async def __call__(self, raw: RawMessage) -> Authenticated:
        """Give what the server before us found; nothing is proved where it says nothing."""
        found = fields(split_content(raw.content)[0])
        topmost = next((body_of(f) for name, f in found if name == "authentication-results"), "")
        one = sum(name == "from" for name, _ in found) == 1
        standing = standing_of(topmost, self.authserv_id, author(found).address) if one else ""
        results = topmost.partition(";")[2].strip() if standing else ""
        return Authenticated(standing or "fail", results)
