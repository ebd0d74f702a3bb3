"""The sentences that give a title to somebody: "I am IC", "Bob takes over as IC", "IC -> Bob"."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from maild.reading.rules import CommanderRules
from maild.reading.statements import alternatives


@dataclass(frozen=True, slots=True)
class Given:
    """A title given to somebody in sentence[start:end].

    name: as written, None for the author ("I am IC"). name_at: where the name stands.
    """

    start: int
    end: int
    name: str | None
    name_at: int


class TitlePatterns:
    """The sentences that give a title to somebody."""

    def __init__(
        self, rules: CommanderRules, person: str, titles: Iterable[str], *, commander: bool
    ) -> None:
        title = rf"(?:{alternatives(titles)})(?:\s*\((?:IC|DRI)\))?(?![\w-])"
        modifier = rf"(?:(?:{alternatives(rules.modifiers)})\s+){{0,4}}"
        role = rf"(?:(?:the\s+)?(?:role|duty|duties|job|seat|part)\s+(?:of|as)\s+)?{modifier}"
        adverb = rf"\s+(?:(?:{alternatives(rules.adverbs)})\s+)?"
        become = alternatives(rules.becomes).replace(r"\s+", adverb)
        self.mine = re.compile(
            rf"(?<![\w])I(?:\s+am|'m|\s+m|\s+will\s+be|'ll\s+be|\s+lead\s+(?:this|it)\s+as|\s+run\s+(?:this|it)\s+as|\s+remain|\s+stay|\s+continue|\s+continue\s+as|(?:\s+will|'ll)?\s+continue\s+to\s+(?:be|act\s+as|serve\s+as)|\s+act\s+as|\s+serve\s+as"
            rf"|(?:\s+have|'ve)?\s+(?:taken|took)\s+over(?:\s+from\s+[^.,;]{{1,40}}?)?\s+as|\s+took\s+over(?:\s+from\s+[^.,;]{{1,40}}?)?\s+as|\s+take\s+over(?:\s+from\s+[^.,;]{{1,40}}?)?\s+as"
            rf"|(?:'m|\s+am)\s+taking\s+over(?:\s+from\s+[^.,;]{{1,40}}?)?\s+as|(?:'ll|\s+will)\s+(?:act|serve|take\s+over|step\s+in|stay\s+on|continue)(?:\s+from\s+[^.,;]{{1,40}}?)?\s+as"
            rf"|(?:'ll|\s+will)?\s+take|(?:'m|\s+am)\s+taking|\s+have|'ve\s+got|\s+hold|\s+keep|\s+assume|(?:'m|\s+am)\s+assuming|\s+step\s+in\s+as|\s+now\s+act\s+as|(?:'ve|\s+have)\s+assumed)"
            rf"\s+(?:over\s+)?{role}{title}",
            re.I,
        )
        self.also_mine = re.compile(
            rf"(?<![\w])I\b[^.,;:!?]{{0,60}}?\band\s+(?:(?:have|'ve)\s+taken|am\s+taking|took)\s+over\s+(?:from\s+[^.,;]{{1,40}}?\s+)?as\s+{role}{title}",
            re.I,
        )
        self.is_me = re.compile(
            rf"(?<![\w-]){title}\s*(?:is|remains|will\s+be|now|is\s+now|is\s+still|=)\s*:?\s*(?:me|myself|yours\s+truly)\b|\b(?:me|myself)\s+as\s+{modifier}{title}",
            re.I,
        )
        aside = r"\s*,\s*(?:who|our|the|from|of|an?|my|on|in|at)\s[^,.;:!?()]{1,60},"
        theirs = re.compile(
            rf"(?<![\w@.-])({person})(?:{aside}|\s*,?\s+who|\s*,)?\s+(?:{become})\s+{role}{title}",
            re.I,
        )
        title_first = re.compile(
            rf"(?<![\w-]){title}(?:\s+(?:for|of|on)\s+(?:this(?:\s+(?:one|incident|outage))?|the\s+incident|now|today|tonight|the\s+day|the\s+night))?"
            rf"\s*(?:(?:is|remains|stays|will\s+be|becomes)\s+(?:now\s+|still\s+|again\s+|currently\s+)?|now\s+|still\s+|\(\s*)({person}|me\b)",
            re.I,
        )
        self.patterns = [theirs, title_first]
        self.planned: list[re.Pattern[str]] = []
        if commander:
            self._add_commanders(rules, person, title, modifier)

    def _add_commanders(
        self, rules: CommanderRules, person: str, title: str, modifier: str
    ) -> None:
        """Add what is said of a commander alone: handoffs, arrows, "IC Kevin"."""
        handoff = alternatives(rules.handoff)
        handed = re.compile(rf"(?<!\w)(?:{handoff})\s+({person})", re.I)
        passed = re.compile(
            rf"(?<!\w)(?:hand(?:ing|ed|s)?|pass(?:ing|ed|es)?|transfer(?:ring|red|s)?|giv(?:ing|en|es)|turn(?:ing|ed|s)?)\s+"
            rf"(?:(?:it|this|over|off|the|my|incident|command|role|of|on|duty|hat|as|{title})\s+){{0,6}}?(?:{title})\s+(?:(?:role|duty|hat|over|off|on)\s+){{0,3}}"
            rf"(?:from\s+{person}\s+)?to\s+({person})",
            re.I,
        )
        title_moves = re.compile(
            rf"(?<![\w-]){title}\s*(?:role\s+|duty\s+|handoff:?\s*|handover:?\s*|change:?\s*|hand-off:?\s*)?(?:(?:is\s+|was\s+|has\s+been\s+|now\s+)?"
            rf"(?:handed|passed|transferred|moved|moves|passes|changes|changed|goes|switches|handoff|handover)\s*(?:over|off)?\s+)?(?:from\s+)?(?:{person}\s*)?(?:\s+to\s+|\s*(?:-{{1,2}}>|=>|→)\s*)({person})",
            re.I,
        )
        made = re.compile(
            rf"\b(?:with|made|making|named|naming|appointed|appointing|assigned|assigning|have|has)\s+({person})\s+(?:as\s+|in\s+as\s+|to\s+be\s+|acting\s+as\s+)?{modifier}{title}",
            re.I,
        )
        bare = re.compile(
            rf"(?:^|[|,;/·•]\s*|\n|\.\s+|\d\s+|\s(?:-{{1,2}}|–)\s+)(?:our\s+|the\s+)?{title}\s+({person}|me)\s*(?=[|,;/·•.\n]|$|\s(?:on|and|channel|bridge|slack|phase|sev|severity)\b|\s(?:#|-{{1,2}}\s|–\s))",
            re.I,
        )
        remarked = re.compile(
            rf"(?<![\w])(?-i:[a-z][\w']*)\s+({person})\s*\(\s*(?:(?:our|the|now|still|acting|current|as)\s+){{0,2}}{title}\s*\)",
            re.I,
        )
        takes_command = re.compile(
            rf"(?<![\w@.-])({person})\s+(?:takes|is\s+taking|has\s+taken|took)\s+(?:over\s+)?(?:the\s+|incident\s+)?command(?!\w)",
            re.I,
        )
        self.patterns += [
            title_moves,
            made,
            bare,
            remarked,
            handed,
            passed,
            takes_command,
        ]
        self.planned = [handed, passed]

    def find(self, plain: str) -> Iterator[Given]:
        """List the titles that a sentence gives, in no order; the cues over them are not looked at."""
        for mine in (self.mine, self.also_mine, self.is_me):
            for match in mine.finditer(plain):
                yield Given(match.start(), match.end(), None, match.start())
        for pattern in self.patterns:
            for match in pattern.finditer(plain):
                if not (pattern in self.planned and _planned(plain, match)):
                    yield Given(match.start(), match.end(), match[1], match.start(1))


def _planned(plain: str, match: re.Match[str]) -> bool:
    """Whether a handoff lies ahead: "handing over to Bob at 18:00"."""
    if re.match(r"\s*(?:handed|passed|transferred|command\s+(?:has|is\s+now|now))", match[0], re.I):
        return False
    return (
        re.match(
            r"\s*,?\s+(?:at|by|around|after|before|when|once|as\s+soon|in\s+\d|tomorrow|tonight)\b(?!\s+(?:once|the\s+moment))",
            plain[match.end() :],
            re.I,
        )
        is not None
    )
