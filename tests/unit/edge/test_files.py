"""Rule files: read, laid over the defaults, and every mistake named at once."""

from pathlib import Path

import pytest

from maild.edge.files import RulesError, default_folder, load_rules

BROKEN = Path(__file__).parents[2] / "rules" / "broken"
EXPECTED = """\
cues.toml:2: this is no TOML: unclosed array (at end of document)
phase.toml:17: step.2.number is 0, like that of an earlier step
phase.toml:19: step.2.words holds "found", which means found already
polcy.toml: no rule file has this name; is policy.toml meant?
policy.toml:1: limits is missing
policy.toml:3: required.update must be a list, and is "severity"
policy.toml:6: advice.business_liaison must be one of "advice", "required", "off", and is "maybe"
policy.toml:7: advice.business_liaison_from_severity must be a whole number, and is "high"
policy.toml:13: cadence.draft_reminder must be a whole number, and is true
severity.toml:1: labels is missing
severity.toml:2: lables is no key here; is labels meant?
severity.toml:3: short is empty; a list holds at least one entry
severity.toml:4: nouns.2 is empty; a word has at least one letter or sign
severity.toml:8: step.1.number must be a whole number, and is "1"
severity.toml:16: step.2.words must be a list, and is "high"
severity.toml:17: step.2.colour is no key here
severity.toml:20: cadence is no key here""".splitlines()


def mistakes(folder: Path) -> list[str]:
    with pytest.raises(RulesError) as caught:
        load_rules(folder)
    return str(caught.value).replace(f"{folder}/", "").splitlines()


def changed(tmp_path: Path, name: str, old: str, new: str) -> Path:
    """Give a folder with one default file in which one text is changed."""
    text = (default_folder("rules") / f"{name}.toml").read_text("utf-8")
    assert old in text
    (tmp_path / f"{name}.toml").write_text(text.replace(old, new, 1), "utf-8")
    return tmp_path


def test_every_mistake_is_named_at_once_with_file_line_and_key() -> None:
    assert mistakes(BROKEN) == EXPECTED


def test_the_default_rules_hold() -> None:
    assert load_rules().phase.last == 3


def test_a_file_replaces_the_default_of_its_name_and_no_other(tmp_path: Path) -> None:
    folder = changed(tmp_path, "severity", '"severe"', '"Katastrophe"')
    rules, default = load_rules(folder), load_rules()
    assert "katastrophe" in rules.severity.step[0].words
    assert rules.phase.labels == default.phase.labels


def test_letter_case_in_a_rule_file_does_not_count(tmp_path: Path) -> None:
    folder = changed(tmp_path, "severity", '"sev level"', '"SEV Level"')
    assert load_rules(folder).severity.labels == load_rules().severity.labels


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "nowhere"
    assert mistakes(folder) == [f"{folder}: there is no such folder of rules"]


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "phase.toml").write_bytes(b"\xff\xfe\x00")
    (line,) = mistakes(tmp_path)
    assert line.startswith("phase.toml: ")


def test_a_key_with_an_umlaut_is_told_to_stand_in_quotes(tmp_path: Path) -> None:
    folder = changed(tmp_path, "grammar", "five = 5", "fünf = 5")
    (line,) = mistakes(folder)
    assert line.startswith("grammar.toml:")
    assert line.endswith('stands in quotes: "fünf" = 5')


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        pytest.param(
            "phase", "number = 3", "number = 1", "step.4.number is 1, like that of an earlier step",
            id="two phases have one number",
        ),
        pytest.param(
            "phase", "number = 0", "number = 9", "step.2.number is 1; write the steps in rising order",
            id="the steps of a scale do not rise",
        ),
        pytest.param(
            "policy", "slower_phase = 2", "slower_phase = 9", "cadence.slower_phase is 9, which is no phase",
            id="a phase of the policy is not on the scale",
        ),
        pytest.param(
            "policy", "handoff_severities = [1, 2]", "handoff_severities = [1, 5]",
            "cadence.handoff_severities.2 is 5, which is no severity",
            id="a severity of the policy is not on the scale",
        ),
        pytest.param(
            "policy", "update = [30, 60, 240, 0]", "update = [30, 60]",
            "cadence.update has 2 entries for 4 severities",
            id="the cadence has not one entry a severity",
        ),
        pytest.param(
            "policy", "from_severity = 2", "from_severity = 0",
            "advice.business_liaison_from_severity is 0, which is no severity",
            id="advice from a severity that is not on the scale",
        ),
        pytest.param(
            "policy", '"commander", "channel"]', '"commander", "chanel"]',
            'required.opening.6 holds "chanel", which is no field; is channel meant?',
            id="a required field is misspelt",
        ),
        pytest.param(
            "severity", '"moderate"', '"High"', 'step.3.words holds "high", which means high already',
            id="one word means two severities",
        ),
        pytest.param(
            "people", "[roles.scribe]", "[roles.scrib]", "roles.scrib is no role; is scribe meant?",
            id="a role is misspelt",
        ),
        pytest.param(
            "people", '"note taker"', '"tech lead"',
            'roles.scribe.labels.3 is "tech lead", a label of technical_lead already',
            id="one label names two roles",
        ),
        pytest.param(
            "times", "minute = [", "minut = [", "units.minut is no unit; is minute meant?; known are minute, hour, day",
            id="a unit is misspelt",
        ),
        pytest.param(
            "times", '["America/Denver"]', '["America/Denvr"]',
            'zones.MT.1 is "America/Denvr", which is no zone; write "+01:00" or "Europe/Berlin"',
            id="a zone is misspelt",
        ),
        pytest.param(
            "cues", 'reach = "far"', 'reach = "wide"',
            'cue.5.reach must be one of "forward", "far", "backward", "sentence", "adjacent", "next", and is "wide"',
            id="a cue's reach is unknown",
        ),
        pytest.param(
            "cues", 'words = ["?"]', "words = []", "cue.15.words is empty; a list holds at least one entry",
            id="a cue has no words",
        ),
    ],
)  # fmt: skip
def test_a_single_mistake(tmp_path: Path, name: str, old: str, new: str, expected: str) -> None:
    folder = changed(tmp_path, name, old, new)
    (line,) = mistakes(folder)
    place, _, what = line.partition(": ")
    assert what == expected
    number = int(place.removeprefix(f"{name}.toml:"))
    text = (folder / f"{name}.toml").read_text("utf-8").split("\n")
    key = [step for step in what.split()[0].split(".") if not step.isdigit()][-1]
    assert key in text[number - 1]
