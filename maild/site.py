"""One list as it is configured: from `maild.toml` to rules, policy, letterhead and desk."""

import sqlite3
import ssl
from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from maild.config import Config, ConfigError
from maild.desk import Desk
from maild.edge.certificate import Certificate
from maild.edge.config_file import load_config
from maild.edge.files import default_folder, load_rules
from maild.edge.imap_in import Account
from maild.edge.key import secret
from maild.edge.listening import Kind
from maild.edge.maildir_out import MaildirOut
from maild.edge.passwords import Passwords
from maild.edge.smtp_in import Terms
from maild.edge.smtp_out import Relay, SmtpOut, Tls
from maild.edge.store.archive import Archive
from maild.edge.store.connection import check_version, connect
from maild.edge.store.ledger import Ledger
from maild.edge.store.schema import migrate
from maild.edge.systemd import credential
from maild.edge.templates import renderer
from maild.incident.arrived import Policy
from maild.incident.hours import WorkingHours
from maild.incident.schedule import DAYS, Schedule, schedule_of, weekly
from maild.letters.letterhead import Letterhead, Render
from maild.mail.build import ListIdentity
from maild.mail.message import Audience, Mail
from maild.mail.results import standing_of
from maild.mail.tokens import bounce_name, token
from maild.reading.body import ListNames
from maild.reading.rules import Rules
from maild.roster.posting import Posting
from maild.values import length_of, listen_address
from maild.watcher import Folders

PLACES: Final = (Path("maild.toml"), Path("/etc/maild/maild.toml"))


class NotFound(Exception):
    """There is no configuration where it was looked for."""


@dataclass(frozen=True, slots=True)
class Site:
    """A configured list; folder is what relative paths count from, source the configuration."""

    config: Config
    folder: Path
    rules: Rules
    render: Render
    source: Path | None = None

    @property
    def database(self) -> Path:
        """The database's file."""
        return self.folder / self.config.store.path

    @property
    def zone(self) -> ZoneInfo:
        """The organisation's zone."""
        return ZoneInfo(self.config.list.timezone)

    @property
    def rules_folder(self) -> Path | None:
        """The operator's own rules, None for the defaults."""
        return own_folder(self.folder, self.config.paths.rules)

    @property
    def template_folders(self) -> tuple[Path, Path | None]:
        """The default templates, and the operator's own (None for no such folder)."""
        return default_folder("templates"), own_folder(self.folder, self.config.paths.templates)

    def identity(self) -> ListIdentity:
        """The list's name and addresses."""
        config = self.config.list
        return ListIdentity(
            config.name, config.address, self.sub_address("request"), self.sub_address("owner")
        )

    def sub_address(self, name: str, detail: str = "") -> str:
        """Write one of our other addresses, as the mail server before us takes it."""
        local, _, domain = self.config.list.address.rpartition("@")
        if self.config.list.addresses == "plus":
            return f"{local}+{name}{'-' + detail if detail else ''}@{domain}"
        return f"{local}-{name}{'+' + detail if detail else ''}@{domain}"

    def file(self, name: str) -> Path:
        """Find a file that the configuration names; "%d/NAME" is a credential of systemd's.

        Raises FileNotFoundError where there are no credentials.
        """
        name, is_credential = name.removeprefix("%d/"), name.startswith("%d/")
        return credential(name) if is_credential else self.folder / name

    def places(self) -> dict[Kind, list[tuple[str, tuple[str, int]]]]:
        """Where to listen for what: each place as it is written, and split."""
        smtp = self.config.smtp
        lists: dict[Kind, tuple[str, ...]] = {
            "smtp": smtp.listen,
            "smtps": smtp.listen_tls,
            "lmtp": smtp.listen_lmtp,
        }
        return {
            kind: [(place, listen_address(place)) for place in places]
            for kind, places in lists.items()
        }

    def terms(self, *, reached: bool) -> Terms:
        """On what terms mail comes in by SMTP; reached: whether other machines can reach us.

        Raises ConfigError where a file cannot be used.
        """
        smtp = self.config.smtp
        try:
            certificate = (
                Certificate(self.file(smtp.tls_certificate), self.file(smtp.tls_key))
                if smtp.tls_certificate
                else None
            )
            passwords = Passwords(self.file(smtp.auth_file)) if smtp.auth_file else None
        except (OSError, ValueError) as error:
            raise ConfigError(f"smtp: {error}") from error
        return Terms(
            tls=certificate.context if certificate else None,
            require_tls=smtp.require_tls,
            check=passwords.check if passwords else None,
            members_only=reached and self.config.posting.authenticate == "none",
            proxies=tuple(map(ip_network, smtp.proxy_networks)),
        )

    def posting(self) -> Posting:
        """Who may post where."""
        config = self.config
        allow = frozenset((*config.posting.allow, *map(str.lower, config.posting.machines)))
        trusted = frozenset(config.posting.trusted_domains)
        return Posting(config.list.address, allow, config.list.owner[0], trusted)

    def names(self) -> ListNames:
        """What reading must know of the list."""
        config = self.config.list
        local = config.address.partition("@")[0]
        return ListNames(config.address, (config.name, local, *config.tags), self.zone)

    def policy(self) -> Policy:
        """How the list is run."""
        config = self.config
        address = config.list.address.lower()
        return Policy(
            self.rules,
            address,
            frozenset({address}),
            config.posting.follow_ups,
            config.posting.receipts,
            frozenset(map(str.lower, config.posting.machines)),
        )

    def letterhead(self, key: bytes) -> Letterhead:
        """What our letters are written on."""
        config = self.config
        return Letterhead(
            identity=self.identity(),
            zone=self.zone,
            rules=self.rules,
            render=self.render,
            owner=config.list.owner,
            publish_after=self.publish_after(),
            bounce=lambda made: self.sub_address("bounces", token(key, "bounce", made)),
            signs_for=self.signing_domain,
            rewrite_from=config.delivery.rewrite_from,
            authserv_id=self.authserv_id,
        )

    def publish_after(self) -> timedelta | None:
        """When an opening that nobody completes goes out; None is never."""
        return length_of(self.config.posting.publish_incomplete_after)

    def desk(self, connection: sqlite3.Connection, key: bytes) -> Desk:
        """The desk that works on this database."""
        return Desk(
            Ledger(connection, self.rules.phase.last, probing=self.config.delivery.verp != "never"),
            self.policy(),
            self.zone,
            partial(token, key, "draft"),
            self.posting(),
            self.letterhead(key),
            self.hours(),
            partial(token, key),
            Archive(connection, self.rules, self.hours()),
            partial(bounce_name, key),
            self.genuine,
        )

    def genuine(self, mail: Mail) -> bool:
        """Whether a mail's From is believed: as found when it came in, or as the server before us says."""
        config = self.config.posting
        if mail.standing == "refused":
            return False
        if config.authenticate == "none" or mail.standing == "pass":
            return True
        if not config.authserv_id or mail.standing:
            return False
        topmost = mail.mark("authentication-results")
        return standing_of(topmost, config.authserv_id, mail.author.address) == "pass"

    def hours(self) -> WorkingHours:
        """When people work."""
        table = self.config.working_hours
        return WorkingHours(
            self.zone,
            time.fromisoformat(table.begin),
            time.fromisoformat(table.end),
            frozenset(DAYS.index(day) for day in table.days),
            frozenset(date.fromisoformat(day) for day in table.holidays),
        )

    def schedules(self) -> dict[Audience, Schedule]:
        """When the digests are due, by the kind that subscribers choose."""
        own = schedule_of(self.config.digest.schedule, self.zone)
        return {"daily": own, "weekly": weekly(own)}

    @property
    def signing_domain(self) -> str:
        """The domain that we sign for, or that may keep its From."""
        return self.config.signing.domain or self.config.list.address.rpartition("@")[2].lower()

    @property
    def authserv_id(self) -> str:
        """Who we are in results of authentication (RFC 8601 §2.5)."""
        return self.config.posting.authserv_id or self.hostname

    def transport(self) -> SmtpOut | MaildirOut:
        """The way out, before signing."""
        config = self.config.delivery
        if config.transport == "maildir":
            return MaildirOut(self.folder / config.maildir)
        password = ""
        if config.password_file:
            password = self.file(config.password_file).read_text("utf-8").strip()
        here = config.host in ("localhost", "::1") or config.host.startswith("127.")
        tls: Tls = config.tls if config.tls != "auto" else "none" if here else "starttls"
        return SmtpOut(
            Relay(
                host=config.host,
                port=config.port,
                hostname=self.hostname,
                tls=tls,
                user=config.user,
                password=password,
                connections=config.connections,
                tls_context=ssl.create_default_context() if tls != "none" else None,
            )
        )

    def mailbox(self) -> tuple[Account, Folders] | None:
        """The mailbox that is watched, and where its mails go; None for none."""
        config = self.config.imap
        if not config.host:
            return None
        secret_file = self.folder / config.password_file if config.password_file else None
        account = Account(
            config.host,
            config.port,
            config.folder,
            config.user,
            config.tls,
            secret_file,
            config.oauth2_token_command,
        )
        folders = Folders(
            f"{config.user} at {config.host}: {config.folder}",
            self.config.list.address,
            config.done_folder,
            config.refused_folder,
            self.config.smtp.max_message_bytes,
        )
        return account, folders

    @property
    def hostname(self) -> str:
        """The name in our greetings."""
        return self.config.smtp.hostname or self.config.list.address.rpartition("@")[2]

    def key(self) -> bytes:
        """The secret beside the database; made at the first start."""
        return secret(self.database)

    def connect(self, *, readonly: bool = False) -> sqlite3.Connection:
        """Open the database for a command; one that writes makes it. Raises StoreError."""
        new = not self.database.exists()
        connection = connect(self.database, readonly=readonly)
        if new:
            migrate(connection, str(self.database))
        check_version(connection, str(self.database))
        return connection


def own_folder(folder: Path, name: str) -> Path | None:
    """Find a folder that the configuration names, None where it names none."""
    return folder / name if name else None


def find_config(path: Path | None) -> Path:
    """Find the configuration: the one named, else `maild.toml` here, else in /etc/maild."""
    for place in PLACES if path is None else (path,):
        if place.is_file():
            return place
    looked = " or ".join(str(place) for place in (PLACES if path is None else (path,)))
    raise NotFound(f"no configuration at {looked}; `maild init` writes one")


def open_site(path: Path | None = None) -> Site:
    """Read configuration, rules and templates.

    Raises NotFound, ConfigError or RulesError, each with every mistake it found.
    """
    place = find_config(path)
    config = load_config(place)
    folder = place.parent
    rules = load_rules(own_folder(folder, config.paths.rules))
    render = renderer(default_folder("templates"), own_folder(folder, config.paths.templates))
    return Site(config, folder, rules, render, place)
