"""Reading what a person wrote: plain YAML only, every finding at once, with lines."""

from __future__ import annotations

import pytest

from exchange.agreements import drafting, reading
from exchange.agreements.lines import MOST_NODES, read_yaml
from exchange.errors import AgreementError

SHAPELESS = (
    b"format: agreement/1\nid: x y\nversion: 0\nkind: baker\nterm:\n  from: 2026-02-31\n  until: no\nsurprise: 1\n"
)


def test_every_finding_comes_at_once_with_its_line() -> None:
    draft, findings = reading.read(SHAPELESS, "a.yaml")
    assert draft is None
    found = {(finding.rule, finding.path): finding.line for finding in findings}
    assert found["agreements.shape", "id"] == 2
    assert found["agreements.shape", "version"] == 3
    assert found["agreements.shape-choice", "kind"] == 4
    assert found["agreements.shape-day", "term.from"] == 6
    assert found["agreements.shape-unknown", "surprise"] == 8
    assert found["agreements.shape-missing", ""] == 1
    assert [finding.order for finding in findings] == sorted(finding.order for finding in findings)


def test_no_finding_repeats_a_value() -> None:
    _, findings = reading.read(SHAPELESS.replace(b"baker", b"CANARY"), "a.yaml")
    assert "CANARY" not in repr(findings)


def test_a_day_is_of_this_age() -> None:
    _, findings = reading.read(b"term: {from: 9999-01-01, until: 2026-01-01, renewal: none}\n", "a.yaml")
    assert ("agreements.shape", "term.from") in {(finding.rule, finding.path) for finding in findings}


def test_a_value_of_another_type_is_named() -> None:
    _, findings = reading.read(b"parties: 3\n", "a.yaml")
    assert any(finding.rule == "agreements.shape-type" and finding.path == "parties" for finding in findings)


def test_findings_do_not_grow_without_bound() -> None:
    parties = "".join(f"- {{a{number}: 1}}\n" for number in range(60))
    _, findings = reading.read(f"parties:\n{parties}".encode(), "a.yaml")
    assert 200 <= len(findings) < 300


@pytest.mark.parametrize(
    ("text", "rule", "line"),
    [
        ("a: &x 1\nb: *x\n", "agreements.yaml-alias", 1),
        ("a: 1\nb: *x\n", "agreements.yaml-alias", 2),
        ("a: &x [1]\n", "agreements.yaml-alias", 1),
        ("a: !!python/object:os.system x\n", "agreements.yaml-tag", 1),
        ("a: 1\n---\nb: 2\n", "agreements.yaml-documents", 2),
        ("a: 1\nb: 2\na: 3\n", "agreements.yaml-twice", 3),
        ("? [a]\n: 1\n", "agreements.yaml-broken", 1),
        ("a: [1\n", "agreements.yaml-broken", 2),
        ('a: "\\UFFFFFFFF"\n', "agreements.yaml-broken", 1),
        ('a: 1\nb: "\\ud800"\n', "agreements.yaml-broken", 2),
        ('a: 1\n"\\udfff": 2\n', "agreements.yaml-broken", 2),
        ("a: " + "[" * 40 + "]" * 40, "agreements.yaml-too-big", 1),
        ("- 1\n" * (MOST_NODES + 1), "agreements.yaml-too-big", MOST_NODES),
        ("# " + "x" * 600_000, "agreements.yaml-too-big", 1),
    ],
)
def test_what_is_not_plain_yaml_is_refused_with_its_line(text: str, rule: str, line: int) -> None:
    with pytest.raises(AgreementError) as caught:
        reading.read(text.encode(), "a.yaml")
    assert (caught.value.rule, caught.value.params["line"]) == (rule, line)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(AgreementError, match=r"a\.yaml"):
        reading.read(b"\xff\xfe\x00", "a.yaml")


def test_scalars_keep_their_text_unless_they_are_json() -> None:
    text = "a: 07000001\nb: no\nc: 2026-01-01\nd: 12\ne: -1.5\nf: true\ng: ~\n"
    text += "h: '12'\ni: 1e3\nj:\nk: 12345678901234567890\n"
    assert read_yaml(text.encode(), "a").value == {
        "a": "07000001",
        "b": "no",
        "c": "2026-01-01",
        "d": 12,
        "e": -1.5,
        "f": True,
        "g": None,
        "h": "12",
        "i": "1e3",
        "j": None,
        "k": "12345678901234567890",
    }


def test_an_empty_file_is_an_agreement_that_lacks_everything() -> None:
    draft, findings = reading.read(b"", "a.yaml")
    assert draft is None
    assert findings


def test_a_line_is_that_of_the_nearest_place_above() -> None:
    lined = read_yaml(b"a:\n  b:\n    - c: 1\n", "a")
    assert lined.line(("a", "b", 0, "c")) == 3
    assert lined.line(("a", "b", 0, "d", 5)) == 3
    assert lined.line(("z",)) == 1


def test_what_is_written_is_read_back() -> None:
    raw = {"a": {"b": [1, 2.5, "x: y", {"c": None, "d": ["e"]}], "f": []}, "g": True, "h": {}, "i": [["j"], "k"]}
    raw["i"] = ["k", "#no comment", "ë"]
    assert read_yaml(drafting.write(raw).encode(), "a").value == raw
