"""The server's certificate: read when it is first needed, and again when its files change."""

import ssl
from pathlib import Path

import structlog

log = structlog.get_logger()


class Certificate:
    """A certificate chain and its key, in PEM.

    Raises OSError (ssl.SSLError is one) where the files cannot be used together.
    """

    def __init__(self, chain: Path, key: Path) -> None:
        self.chain, self.key = chain, key
        self._context = _loaded(chain, key)
        self._seen = self._looks()

    def context(self) -> ssl.SSLContext:
        """Give what a new connection is encrypted with; connections that stand keep the old one.

        Files that cannot be used (half renewed, perhaps) leave the old certificate in place.
        """
        looks = self._looks()
        if looks != self._seen:
            self._seen = looks
            try:
                self._context = _loaded(self.chain, self.key)
                log.info("certificate_read", chain=str(self.chain))
            except OSError as error:
                log.error("certificate_unusable", chain=str(self.chain), reason=str(error))
        return self._context

    def _looks(self) -> tuple[tuple[int, int], ...]:
        try:
            return tuple((f.stat().st_mtime_ns, f.stat().st_ino) for f in (self.chain, self.key))
        except OSError:
            return ()


def _loaded(chain: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # A key with a passphrase must not make a daemon ask a terminal.
    try:
        context.load_cert_chain(chain, key, password=lambda: "")
    except OSError as error:
        raise OSError(f"{chain} and {key} are no certificate and its key: {error}") from error
    return context
