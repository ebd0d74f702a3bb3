"""`maild dkim-key`: make a key to sign with, and print what the DNS has to say."""

from pathlib import Path

import click

from maild.cli.site import fail, with_site
from maild.edge.signing import KeyFault, KeyKind, make_key, zone_line
from maild.site import Site


@click.command("dkim-key")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--ed25519", is_flag=True, help="An Ed25519 key; default is RSA of 2048 bits.")
@click.option("--selector", default="", help="Default: what [signing] says.")
@click.option("--domain", default="", help="Default: what [signing] says, else the list's.")
@with_site
def dkim_key(site: Site, file: Path | None, ed25519: bool, selector: str, domain: str) -> None:
    """Make a key into FILE (default: dkim.key beside maild.toml), and print its DNS record."""
    kind: KeyKind = "ed25519" if ed25519 else "rsa"
    path = site.folder / (file or Path(site.config.signing.key_file or "dkim.key"))
    domain, selector = domain or site.signing_domain, selector or site.config.signing.selector
    try:
        record = make_key(path, kind)
    except KeyFault as fault:
        fail(str(fault))
    click.echo("Next: put this record into the DNS,")
    click.echo()
    click.echo(zone_line(domain, selector, record))
    click.echo()
    click.echo("and these lines into maild.toml, once the DNS answers with it:")
    click.echo()
    click.echo(f'[signing]\ndomain = "{domain}"\nselector = "{selector}"\nkey_file = "{path}"')
    if kind == "ed25519":
        click.echo()
        click.echo("Not every receiver knows Ed25519 yet, and ARC seals need an RSA key.")
