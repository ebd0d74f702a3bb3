"""The author's own words: signatures, footers, banners, flowed and signed text, subjects."""

from collections.abc import Callable

import pytest

from maild.mail.text import clean_subject
from maild.mail.words import MailWords

NEW = "Severity 2, phase 1, I am incident commander."

Own = Callable[..., str]


class TestASignatureIsNotAStatement:
    @pytest.mark.parametrize(
        "signature",
        [
            "-- \nKim Larsen\nIncident Manager, Example Ltd\n+45 5550 0100",
            "--\nKim Larsen\nIncident Manager",
            "—\nKim Larsen\nIncident Commander on call",
            "Regards,\nKim Larsen\nIncident Manager\nTel: +45 5550 0100",
            "Best regards\n\nKim Larsen\nHead of Operations | Example Ltd | +45 5550 0100",
            "Cheers,\nKim",
            "Thanks!\nKim",
            "Kim",
            "Kim Larsen\nIncident Manager\nExample Ltd",
            "Regards,\nKim Larsen\nIncident Manager\nMobile: +45 5550 0100\nBridge: https://meet.example.net/kim",
            "Mit freundlichen Grüßen\n\nKim Larsen\nLeiter Betrieb\nExample GmbH",
            "Cordialement,\nKim Larsen\nResponsable astreinte",
            "Un saludo,\nKim Larsen",
            "Cordiali saluti\nKim Larsen\nReparto esercizio",
            "Atenciosamente,\nKim Larsen",
            "Met vriendelijke groet,\n\nKim Larsen\nHoofd beheer",
            "Pozdrawiam\nKim Larsen",
            "Med vänlig hälsning\nKim Larsen",
            "Sent from my iPhone",
            "Von meinem iPhone gesendet",
            "Envoyé de mon iPhone",
            "Enviado desde mi iPhone",
            "iPhoneから送信",
            "Get Outlook for Android<https://aka.ms/AAb9ysg>",
            "Sent from my Android device with K-9 Mail. Please excuse my brevity.",
        ],
    )
    def test_whatever_it_looks_like(self, own: Own, signature: str) -> None:
        assert own(f"{NEW}\n\n{signature}\n") == NEW

    def test_also_above_a_quotation(self, own: Own) -> None:
        body = f"{NEW}\n\nRegards,\nKim Larsen\n\nOn 1 March 2026 Ana wrote:\n> Severity 1\n"
        assert own(body) == NEW

    def test_with_a_telephones_line_below_it(self, own: Own) -> None:
        assert own(f"{NEW}\n\nKim\n\nSent from my iPhone\n") == NEW


class TestWordsBelowAClosingStay:
    @pytest.mark.parametrize(
        "body",
        [
            "The disk is full.\n\nThanks,\nKim\n\nSeverity: 2\nPhase: 1",
            "The disk is full.\n\nKim\nBridge: https://meet.example.net/disk",
            "Thanks\n\nThe disk is full. Severity 2, phase 1.",
            "Thanks all, that helped.\nSeverity 2.",
            "The disk is full.\nThanks all, that helped.\nSeverity 2.",
            "The disk is full.\n\nThanks\nKim\n\nSeverity 2, phase 1, IC me",
            "The disk is full.\n\nCheers\nSEV2, P1",
            "The disk is full.\n\n--\nSeverity: 2\nPhase: 1\n" + "The log is long. " * 8,
            "Kim\nis incident commander, and severity is 2.",
            "The disk is full.\n\n---\n\n" + "\n".join(f"Line {i} of the log" for i in range(20)),
        ],
    )
    def test_where_they_are_no_signature(self, own: Own, body: str) -> None:
        assert own(body).split() == body.split()

    def test_where_a_rule_stands_on_top(self, own: Own) -> None:
        assert NEW in own(f"---\n{NEW}\n---\n")
        assert NEW in own(f"\n\n--\n{NEW}\n")

    def test_where_nothing_else_was_said(self, own: Own) -> None:
        assert "Severity: 2" in own("Hello,\n\nSeverity: 2\nPhase: 1\nIC: me\n\nBest,\nKim")


class TestFootersAndBannersAreNotTheAuthors:
    @pytest.mark.parametrize(
        "footer",
        [
            "This message and its attachments are confidential. For severity 1 call the\nincident commander on duty, Pat Moss.",
            "This e-mail and any attachments are confidential and intended solely for the\naddressee. Severity 1 fines apply.",
            "_______________\nDisclaimer: this message may contain confidential information.",
            "CONFIDENTIALITY NOTICE: The contents of this email message are intended\nsolely for the addressee(s).",
            "Diese E-Mail enthält vertrauliche Informationen. Wenn Sie nicht der richtige Adressat\nsind, löschen Sie sie bitte.",
            "Please consider the environment before printing this e-mail.",
        ],
    )
    def test_legal_notices(self, own: Own, footer: str) -> None:
        assert own(f"{NEW}\n\n{footer}\n") == NEW

    @pytest.mark.parametrize(
        "banner",
        [
            "CAUTION: This email originated from outside of the organization. Do not click links\nor open attachments unless you recognize the sender.",
            "[EXTERNAL EMAIL] Be cautious.",
            "You don't often get email from kim@example.net. Learn why this is important",
            "ACHTUNG: Externe E-Mail. Bitte keine Links öffnen.",
        ],
    )
    def test_gateways_banners(self, own: Own, banner: str) -> None:
        assert own(f"{banner}\n\n{NEW}\n") == NEW

    def test_a_banner_without_a_gap_leaves_the_fields_below_it(self, own: Own) -> None:
        banner = "CAUTION: This email originated from outside of the organization."
        assert own(f"{banner}\nSeverity: 2\nPhase: 1\nIC: me\n") == "Severity: 2\nPhase: 1\nIC: me"


class TestFlowedText:
    KIND = "text/plain; format=flowed"

    def test_is_one_paragraph_again(self, own: Own) -> None:
        assert (
            own("The disk is \nfull since \nnoon.\n", self.KIND) == "The disk is full since noon."
        )

    def test_keeps_hard_line_ends(self, own: Own) -> None:
        assert own("Severity: 2\nPhase: 1\n", self.KIND) == "Severity: 2\nPhase: 1"

    def test_with_delsp_loses_the_blank(self, own: Own) -> None:
        assert own("in Leer \nzeichen\n", self.KIND + "; delsp=yes") == "in Leerzeichen"

    def test_is_not_joined_over_a_change_of_depth(self, own: Own) -> None:
        assert own(f"> Severity \n{NEW}\n", self.KIND) == NEW

    def test_keeps_the_signatures_delimiter(self, own: Own) -> None:
        assert own(f"{NEW}\n-- \nKim Larsen\n", self.KIND) == NEW

    def test_undoes_space_stuffing(self, own: Own) -> None:
        assert own(" From noon on.\n", self.KIND) == "From noon on."


class TestClearSignedText:
    BODY = (
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{}\n"
        "-----BEGIN PGP SIGNATURE-----\n\niHUEARYKAB0WIQ\n=abcd\n-----END PGP SIGNATURE-----\n"
    )

    def test_is_read_without_its_armour(self, own: Own) -> None:
        assert own(self.BODY.format(NEW)) == NEW

    def test_loses_its_dash_escapes(self, own: Own) -> None:
        assert own(self.BODY.format("- - Severity 2\n- - Phase 1")) == "- Severity 2\n- Phase 1"

    def test_keeps_what_stands_around_it(self, own: Own) -> None:
        assert own("Above.\n" + self.BODY.format(NEW) + "Below.\n") == f"Above.\n{NEW}\nBelow."

    def test_without_a_signature_is_left_as_it_is(self, own: Own) -> None:
        assert NEW in own(f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{NEW}\n")


class TestASubject:
    @pytest.mark.parametrize(
        "mark",
        ["Re:", "RE:", "AW:", "Antw:", "SV:", "VS:", "Odp:", "RV:", "R:", "RES:", "RE[2]:", "Re(3):",
         "回复:", "答复：", "返信:", "Fwd:", "FW:", "WG:", "TR :", "I:", "ENC:", "PD:", "Re: AW: Re:"],
    )  # fmt: skip
    def test_loses_its_reply_and_forward_marks(self, words: MailWords, mark: str) -> None:
        assert clean_subject(f"{mark} Disk full", words.subject)[:2] == ("Disk full", True)

    @pytest.mark.parametrize("mark", ["[EXTERNAL]", "[EXT]", "*EXTERNAL*", "(External)"])
    def test_loses_a_gateways_mark(self, words: MailWords, mark: str) -> None:
        assert clean_subject(f"{mark} Disk full", words.subject)[:2] == ("Disk full", False)

    @pytest.mark.parametrize("subject", ["Database: disk full", "DC1: down", "Redis: gone"])
    def test_keeps_a_word_and_colon_of_its_own(self, words: MailWords, subject: str) -> None:
        assert clean_subject(subject, words.subject)[:2] == (subject, False)

    def test_tells_its_tags(self, words: MailWords) -> None:
        assert clean_subject("Re: [INC-2026-0007] [P2] x", words.subject)[2] == (
            "INC-2026-0007",
            "P2",
        )
