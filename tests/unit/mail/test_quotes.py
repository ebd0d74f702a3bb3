"""Quotations and forwards of real mail programs: the author's words stay, the others' go."""

from collections.abc import Callable

import pytest

from maild.mail.text import Written

NEW = "Severity 2, phase 1, I am incident commander."
OLD = "Severity 1, please call me."

ATTRIBUTIONS = {
    "Gmail": "On Sun, Mar 1, 2026 at 11:40 AM Ana Silva <ana@example.com> wrote:",
    "Gmail, folded": "On Sun, Mar 1, 2026 at 11:40 AM Ana Silva de Almeida Figueiredo\n<ana@example.com> wrote:",
    "Gmail, German": "Am So., 1. März 2026 um 11:40 Uhr schrieb Ana Silva <ana@example.com>:",
    "Gmail, French": "Le dim. 1 mars 2026 à 11:40, Ana Silva <ana@example.com> a écrit :",
    "Gmail, Spanish": "El dom, 1 mar 2026 a las 11:40, Ana Silva (<ana@example.com>) escribió:",
    "Gmail, Italian": "Il giorno dom 1 mar 2026 alle ore 11:40 Ana Silva <ana@example.com> ha scritto:",
    "Gmail, Portuguese": "Em dom., 1 de mar. de 2026 às 11:40, Ana Silva <ana@example.com> escreveu:",
    "Gmail, Dutch": "Op zo 1 mrt 2026 om 11:40 schreef Ana Silva <ana@example.com>:",
    "Gmail, Polish": "niedz., 1 mar 2026 o 11:40 Ana Silva <ana@example.com> napisał(a):",
    "Gmail, Swedish": "Den sön 1 mars 2026 kl 11:40 skrev Ana Silva <ana@example.com>:",
    "Gmail, Czech": "ne 1. 3. 2026 v 11:40 odesílatel Ana Silva <ana@example.com> napsal:",
    "Gmail, Japanese": "2026年3月1日(日) 11:40 Ana Silva <ana@example.com>:",
    "Gmail, Chinese": "Ana Silva <ana@example.com> 于2026年3月1日周日 11:40写道：",
    "Apple Mail": "On 1. Mar 2026, at 11:40, Ana Silva <ana@example.com> wrote:",
    "Apple Mail, German": "Am 01.03.2026 um 11:40 schrieb Ana Silva <ana@example.com>:",
    "iPhone": "On Mar 1, 2026, at 11:40, Ana Silva <ana@example.com> wrote:",
    "iPhone, Japanese": "2026/03/01 11:40、Ana Silva <ana@example.com>のメール:",
    "Thunderbird": "On 01/03/2026 11:40, Ana Silva wrote:",
    "Thunderbird, German": "Am 01.03.26 um 11:40 schrieb Ana Silva:",
    "Thunderbird, French": "Le 01/03/2026 à 11:40, Ana Silva a écrit :",
    "mutt": "On Sun, Mar 01, 2026 at 11:40:02AM +0000, Ana Silva wrote:",
    "K-9": "On 1 March 2026 11:40:02 CET, Ana Silva <ana@example.com> wrote:",
    "KMail": "On Sunday, 1 March 2026 11:40:02 CET Ana Silva wrote:",
    "Evolution": "On Sun, 2026-03-01 at 11:40 +0000, Ana Silva wrote:",
    "Gnus": "Ana Silva <ana@example.com> writes:",
    "Roundcube": "On 2026-03-01 11:40, Ana Silva wrote:",
    "Proton": "On Sunday, March 1st, 2026 at 11:40, Ana Silva <ana@example.com> wrote:",
}  # fmt: skip

ORIGINALS = {
    "English": ("From: Ana Silva <ana@example.com>", "Sent: Sunday, March 1, 2026 11:40 AM", "To: Incidents <incidents@example.com>", "Subject: Checkout is down"),
    "German": ("Von: Ana Silva <ana@example.com>", "Gesendet: Sonntag, 1. März 2026 11:40", "An: Incidents <incidents@example.com>", "Betreff: Checkout is down"),
    "French": ("De : Ana Silva <ana@example.com>", "Envoyé : dimanche 1 mars 2026 11:40", "À : Incidents <incidents@example.com>", "Objet : Checkout is down"),
    "Spanish": ("De: Ana Silva <ana@example.com>", "Enviado el: domingo, 1 de marzo de 2026 11:40", "Para: Incidents <incidents@example.com>", "Asunto: Checkout is down"),
    "Italian": ("Da: Ana Silva <ana@example.com>", "Inviato: domenica 1 marzo 2026 11:40", "A: Incidents <incidents@example.com>", "Oggetto: Checkout is down"),
    "Portuguese": ("De: Ana Silva <ana@example.com>", "Enviado: domingo, 1 de março de 2026 11:40", "Para: Incidents <incidents@example.com>", "Assunto: Checkout is down"),
    "Dutch": ("Van: Ana Silva <ana@example.com>", "Verzonden: zondag 1 maart 2026 11:40", "Aan: Incidents <incidents@example.com>", "Onderwerp: Checkout is down"),
    "Polish": ("Od: Ana Silva <ana@example.com>", "Wysłano: niedziela, 1 marca 2026 11:40", "Do: Incidents <incidents@example.com>", "Temat: Checkout is down"),
    "Japanese": ("差出人: Ana Silva <ana@example.com>", "送信日時: 2026年3月1日 11:40", "宛先: Incidents <incidents@example.com>", "件名: Checkout is down"),
    "Chinese": ("发件人: Ana Silva <ana@example.com>", "发送时间: 2026年3月1日 11:40", "收件人: Incidents <incidents@example.com>", "主题: Checkout is down"),
    "bold, as Outlook for the web writes": ("*From:* Ana Silva <ana@example.com>", "*Sent:* Sunday, March 1, 2026 11:40 AM", "*To:* Incidents <incidents@example.com>", "*Subject:* Checkout is down"),
    "with Cc over two lines": ("From: Ana Silva <ana@example.com>", "Sent: Sunday, March 1, 2026 11:40 AM", "To: Incidents <incidents@example.com>;", "  Bob <bob@example.com>", "Cc: Eve <eve@example.com>", "Subject: Checkout is down"),
    "Date instead of Sent": ("From: Ana Silva <ana@example.com>", "Date: Sunday, 1 March 2026 at 11:40", "To: Incidents <incidents@example.com>", "Subject: Checkout is down"),
}  # fmt: skip

FORWARDS = {
    "Gmail": "---------- Forwarded message ---------\nFrom: Ana Silva <ana@example.com>\nDate: Sun, Mar 1, 2026 at 11:40 AM\nSubject: Checkout is down\nTo: <kim@example.net>\n\n\n",
    "Apple Mail": "Begin forwarded message:\n\nFrom: Ana Silva <ana@example.com>\nSubject: Checkout is down\nDate: 1 March 2026 at 11:40:02 GMT\nTo: kim@example.net\n\n",
    "Apple Mail, German": "Anfang der weitergeleiteten Nachricht:\n\nVon: Ana Silva <ana@example.com>\nBetreff: Checkout is down\nDatum: 1. März 2026 um 11:40:02 MEZ\nAn: kim@example.net\n\n",
    "Thunderbird": "-------- Forwarded Message --------\nSubject: Checkout is down\nDate: Sun, 1 Mar 2026 11:40:02 +0000\nFrom: Ana Silva <ana@example.com>\nTo: kim@example.net\n\n\n",
    "Outlook, French": "________________________________\nDe : Ana Silva <ana@example.com>\nEnvoyé : dimanche 1 mars 2026 11:40\nÀ : kim@example.net\nObjet : Checkout is down\n\n",
    "mutt": "----- Forwarded message from Ana Silva <ana@example.com> -----\n\nDate: Sun, 1 Mar 2026 11:40:02 +0000\nFrom: Ana Silva <ana@example.com>\nTo: kim@example.net\nSubject: Checkout is down\n\n",
}  # fmt: skip

Own = Callable[..., str]
Take = Callable[..., Written]


@pytest.mark.parametrize("line", ATTRIBUTIONS.values(), ids=ATTRIBUTIONS)
class TestAReplyWithMarkedQuotation:
    def test_keeps_what_stands_above_it(self, own: Own, line: str) -> None:
        assert own(f"{NEW}\n\n{line}\n\n> {OLD}\n> Ana\n") == NEW

    def test_keeps_what_stands_below_it(self, own: Own, line: str) -> None:
        assert own(f"{line}\n> {OLD}\n>\n> Ana\n\n{NEW}\n") == NEW

    def test_keeps_what_stands_between_its_lines(self, own: Own, line: str) -> None:
        body = f"{line}\n> Severity 1?\n\nNo, severity 2.\n\n> Who is IC?\n\nI am.\n"
        assert own(body) == "No, severity 2.\nI am."


@pytest.mark.parametrize("block", ORIGINALS.values(), ids=ORIGINALS)
class TestAnOriginalUnderItsHeaderBlock:
    def test_is_not_the_authors(self, own: Own, block: tuple[str, ...]) -> None:
        assert own(NEW + "\n\n" + "\n".join(block) + f"\n\n{OLD}\n") == NEW

    def test_is_not_the_authors_below_a_line(self, own: Own, block: tuple[str, ...]) -> None:
        rule = "_" * 32
        assert own(f"{NEW}\n\n{rule}\n" + "\n".join(block) + f"\n\n{OLD}\n") == NEW

    def test_is_not_the_authors_below_original_message(
        self, own: Own, block: tuple[str, ...]
    ) -> None:
        above = f"{NEW}\n\n-----Original Message-----\n"
        assert own(above + "\n".join(block) + f"\n\n{OLD}\n") == NEW

    def test_is_not_the_authors_with_blank_lines_doubled(
        self, own: Own, block: tuple[str, ...]
    ) -> None:
        assert own(f"{NEW}\n\n\n" + "\n".join(block) + f"\n\n\n{OLD}\n\n\nAna\n") == NEW


@pytest.mark.parametrize("block", FORWARDS.values(), ids=FORWARDS)
class TestAForward:
    def test_with_words_above_it_says_those_words(self, own: Own, block: str) -> None:
        assert own(f"{NEW}\n\n{block}{OLD}\n", subject="Fwd: Checkout is down") == NEW

    def test_without_a_word_says_what_was_forwarded(self, take: Take, block: str) -> None:
        found = take(f"\n\n{block}{OLD}\n", subject="Fwd: Checkout is down")
        assert (found.text, found.forwarded) == (OLD, True)
        assert found.author.address == "ana@example.com"

    def test_with_a_telephones_signature_alone_is_still_bare(self, own: Own, block: str) -> None:
        body = f"\n\nSent from my iPhone\n\n{block}{OLD}\n"
        assert own(body, subject="Fwd: Checkout is down") == OLD

    def test_in_a_reply_without_a_word_says_nothing(self, own: Own, block: str) -> None:
        assert own(f"\n\n{block}{OLD}\n", subject="Re: Checkout is down") == ""


class TestNewWordsAreNeverCutAway:
    @pytest.mark.parametrize(
        "body",
        [
            "From: the load balancer we see resets.\nTo: be clear, all of them.\nSeverity 2.",
            "To: all on call\nSubject to review, severity 2.",
            "Date: 1 March\nSeverity: 2\nPhase: 1",
            "The vendor wrote:\nwe have a fault in the DC.\nSo severity 2.",
            "As Ana said on 1 March at 11:40:\nseverity 2.",
            "We got a mail from ana@example.com at 11:40 saying:\n\nnothing works\n\nSeverity 2.",
            "-----\nSeverity 2\n-----\nPhase 1",
            "Error log:\n---------------------------\n500 500 500\n---------------------------\nSeverity 2",
            "Forwarded messages pile up in the queue.\nSeverity 2.",
            "Original message queue depth: 4000\nSeverity 2.",
            "a > b in the graph\nSeverity 2",
            "Impact: cards\nFrom: 11:40 UTC\nSeverity: 2",
        ],
    )
    def test_that_only_look_like_a_quotation(self, own: Own, body: str) -> None:
        assert own(body).split() == body.split()

    def test_below_a_marked_quotation_without_blank_line(self, own: Own) -> None:
        assert own(f"On 1 March 2026 Ana wrote:\n> Severity?\n{NEW}") == NEW

    def test_above_an_attribution_that_the_program_has_broken(self, own: Own) -> None:
        body = f"{NEW}\n\nOn Sunday, 1 March 2026 at 11:40:02 GMT,\nAna Silva\n<ana@example.com>\nwrote:\n\n> {OLD}\n"
        assert NEW in own(body)
        assert OLD not in own(body)

    def test_on_the_line_before_the_attribution(self, own: Own) -> None:
        body = f"I think so.\nSeverity 2.\nOn 1 March 2026 11:40, Ana wrote:\n> {OLD}\n"
        assert own(body) == "I think so.\nSeverity 2."

    def test_above_a_quotation_without_attribution(self, own: Own) -> None:
        assert own(f"{NEW}\n\n> {OLD}\n") == NEW

    def test_when_the_quotation_has_depth(self, own: Own) -> None:
        assert own(f"> > Severity 1\n> I think so\n>> no\n\n{NEW}") == NEW


class TestOurOwnStamp:
    STAMP = (
        "Severity 1 (critical), phase 1 (patching), commander Ana Silva\n"
        "New incident, declared by Ana Silva at 11:40 UTC\n"
        "INC-2026-0007, open for 20 min\n" + "-" * 72
    )

    def test_is_known_without_quotation_marks(self, own: Own) -> None:
        assert own(f"{self.STAMP}\n\n{NEW}") == NEW

    def test_is_known_in_a_quotation(self, own: Own) -> None:
        quoted = "\n".join("> " + line for line in self.STAMP.split("\n"))
        assert own(f"{NEW}\n\nOn 1 March 2026 Incidents wrote:\n{quoted}\n> {OLD}") == NEW

    def test_is_known_in_html(self, own: Own) -> None:
        lines = self.STAMP.rsplit("\n", 1)[0].replace("\n", "<br>")
        assert own(f"<div>{lines}</div><hr><p>{NEW}</p>", "text/html") == NEW

    def test_is_not_seen_in_an_authors_ruler(self, own: Own) -> None:
        body = "Severity 2\n" + "-" * 72 + "\nPhase 1"
        assert own(body) == body

    def test_is_not_seen_where_an_author_names_an_incident_above_a_ruler(self, own: Own) -> None:
        body = "Severity 2, as in INC-2026-0003 last week\n" + "-" * 72 + "\nPhase 1"
        assert own(body) == body
