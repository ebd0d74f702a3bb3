"""maild: an incident mailing-list daemon. A plain mail declares the incident, the list follows it.

    SMTP -> edge/smtp_in -.         DOOR        |                     DESK
                           }-> arrive, commit --|--> readers --> conclude, letters --> enter, commit
    IMAP -> edge/imap_in -'      250 / moved    |    (Mail, Report)      ^                  |
                                                |                        |               outbox
                                                |    loops: reminders, digests           delivery
                                                |                         relay <-- edge/smtp_out

The floors; imports go down, never up, never sideways between the modules of `edge/`:

    6  cli, __main__
    5  site, supervisor, trust, minding, health, daemon
    4  door, desk, pump, delivery, loops, watcher, keeping, alarms, canary  |  edge/*
    3  letters
    2  incident, roster
    1  reading
    0  mail               |  config, trouble

Floors 0 to 3 are pure: frozen values in, frozen values out; no I/O, no clock, no chance.
"""
