"""The way out to the relay by SMTP, which only this room knows.

relay        connections that are kept, as many at a time as the site allows
transaction  one mail over one of them: the envelope in one flight, a reply for each recipient
"""

from maild.edge.smtp_out.relay import Relay, SmtpOut, Tls

__all__ = ["Relay", "SmtpOut", "Tls"]
