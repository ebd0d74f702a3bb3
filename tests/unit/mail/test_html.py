"""HTML as a reader sees it: Word's markup, Gmail's quotations, tables, hidden text."""

from collections.abc import Callable

import pytest

from maild.mail.html import html_to_text
from maild.mail.quotes import RULER

Own = Callable[..., str]

OUTLOOK = """<html xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office"
xmlns:w="urn:schemas-microsoft-com:office:word" xmlns="http://www.w3.org/TR/REC-html40">
<head><meta http-equiv=Content-Type content="text/html; charset=utf-8"><title>Severity 4</title>
<meta name=Generator content="Microsoft Word 15 (filtered medium)">
<style><!-- p.MsoNormal {margin:0cm; font-size:11.0pt;} @page WordSection1 {size:612.0pt} --></style>
<!--[if gte mso 9]><xml><o:shapedefaults v:ext="edit" spidmax="1026" /></xml><![endif]--></head>
<body lang=EN-GB link="#0563C1" vlink="#954F72"><div class=WordSection1>
<p class=MsoNormal><span lang=EN-US>Severity: 2<o:p></o:p></span></p>
<p class=MsoNormal><b>Phase:</b> 1<o:p></o:p></p>
<p class=MsoNormal><o:p>&nbsp;</o:p></p>
<p class=MsoNormal>The caf&eacute; till is&nbsp;down.<o:p></o:p></p>
<div><div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'>
<p class=MsoNormal><b>From:</b> Ana Silva &lt;ana@example.com&gt;<br><b>Sent:</b> Sunday, March 1, 2026 11:40 AM<br>
<b>To:</b> Incidents &lt;incidents@example.com&gt;<br><b>Subject:</b> Till<o:p></o:p></p></div></div>
<p class=MsoNormal>Severity: 1<o:p></o:p></p></div></body></html>"""

GMAIL = """<div dir="ltr">Severity 2, phase 1.</div><br><div class="gmail_quote gmail_quote_container">
<div dir="ltr" class="gmail_attr">On Sun, Mar 1, 2026 at 11:40 AM Ana Silva &lt;<a href="mailto:ana@example.com">ana@example.com</a>&gt; wrote:<br></div>
<blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex">Severity 1<div>Phase 0</div></blockquote></div>"""

APPLE = """<html><head></head><body style="overflow-wrap: break-word;">Severity 2.<br><div><br><blockquote type="cite">
<div>On 1 Mar 2026, at 11:40, Ana Silva &lt;ana@example.com&gt; wrote:</div><br class="Apple-interchange-newline"><div>Severity 1</div></blockquote></div></body></html>"""


class TestAnHtmlOnlyMail:
    def test_of_outlook_with_words_markup_is_read_down_to_the_original(self, own: Own) -> None:
        assert own(OUTLOOK, "text/html") == "Severity: 2\nPhase: 1\nThe café till is down."

    def test_of_gmail_is_read_without_its_quotation(self, own: Own) -> None:
        assert own(GMAIL, "text/html") == "Severity 2, phase 1."

    def test_of_apple_mail_is_read_without_its_quotation(self, own: Own) -> None:
        assert own(APPLE, "text/html") == "Severity 2."

    def test_keeps_words_below_a_blockquote(self, own: Own) -> None:
        html = "<blockquote>Severity?</blockquote><div>Severity 2.</div>"
        assert own(html, "text/html") == "Severity 2."


class TestHtmlToText:
    def test_begins_a_line_for_each_block(self) -> None:
        assert html_to_text("<div>a</div><div>b<br>c</div>") == "a\nb\nc"

    def test_puts_a_gap_between_paragraphs(self) -> None:
        assert html_to_text("<p>a</p><p>b</p>").split("\n") == ["a", "", "b", ""]

    def test_joins_a_line_that_the_source_breaks(self) -> None:
        assert html_to_text("<p>severity\r\n   2</p>").strip() == "severity 2"

    def test_shows_a_table_row_as_one_line(self) -> None:
        html = "<table><tr><td>Severity</td><td><p>2</p></td></tr><tr><td>Phase</td><td>1</td></tr></table>"
        assert html_to_text(html).strip() == "Severity | 2\nPhase | 1"

    def test_shows_list_items_with_a_dash(self) -> None:
        assert html_to_text("<ul><li>a</li><li>b</li></ul>").strip() == "- a\n- b"

    def test_shows_a_links_target_where_its_text_is_none(self) -> None:
        assert (
            html_to_text('<a href="https://zoom.us/j/1">bridge</a>')
            == "bridge <https://zoom.us/j/1>"
        )

    def test_shows_a_link_once_where_its_text_is_its_target(self) -> None:
        assert (
            html_to_text('<a href="https://gateway/?u=1">https://zoom.us/j/1</a>')
            == "https://zoom.us/j/1"
        )

    def test_shows_a_rule_as_our_ruler(self) -> None:
        assert html_to_text("a<hr>b").split("\n")[:2] == ["a", RULER]

    def test_marks_each_level_of_quotation(self) -> None:
        html = "a<blockquote>b<blockquote>c</blockquote></blockquote>"
        assert [line for line in html_to_text(html).split("\n") if line.strip("> ")] == [
            "a",
            "> b",
            "> > c",
        ]

    def test_keeps_line_ends_of_preformatted_text(self) -> None:
        assert html_to_text("<pre>a\nb</pre>").strip() == "a\nb"

    @pytest.mark.parametrize(
        "hidden",
        [
            "<title>x</title>", "<style>x</style>", "<script>x</script>", "<!-- x -->", "<del>x</del>",
            "<s>x</s>", "<span hidden>x</span>", "<span style='display:none'>x</span>",
            "<span style='DISPLAY : NONE !important'>x</span>", "<span style='mso-hide:all'>x</span>",
            "<span style='color:red; visibility: hidden'>x</span>", "<p style='font-size:0px'>x</p>",
            "<p style='max-height:0px;overflow:hidden'>x</p>", "<p style='opacity: 0'>x</p>",
            "<span style='text-decoration: line-through'>x</span>",
            "<span style='text-decoration-line:line-through'>x</span>",
        ],
    )  # fmt: skip
    def test_leaves_out_what_is_not_seen(self, hidden: str) -> None:
        assert html_to_text(f"a {hidden}b").split() == ["a", "b"]

    @pytest.mark.parametrize(
        "style", ["opacity:0.5", "font-size:0.9em", "display:block", "text-decoration:underline"]
    )
    def test_keeps_what_is_seen(self, style: str) -> None:
        assert "x" in html_to_text(f"<span style='{style}'>x</span>")

    def test_gives_words_where_there_is_no_markup(self) -> None:
        assert html_to_text("severity 2").strip() == "severity 2"

    def test_gives_words_where_the_markup_is_broken(self) -> None:
        assert "severity 2" in html_to_text("<div<p class='x>severity 2</")

    def test_gives_nothing_for_nothing(self) -> None:
        assert html_to_text("").strip() == ""
