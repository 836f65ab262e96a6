"""What a person typed can never become markup."""

from __future__ import annotations

import subprocess

import pypandoc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.reports import converting, markdown
from exchange.reports.markdown import Markdown

HOSTILE = [
    "# kop", "- lijst", "1. een", "1) een", "(a) een", "i. een", "> citaat", "| a | b |", "::: note", "% titel",
    "---", "===", "~~~", "```", "[[picture index]]", "+ een", ": uitleg", "#. een", "(@) een", '"x" en \'y\'', "--",
    "<script>alert(1)</script>", "![x](http://example.org/a.png)", "[x](javascript:alert(1))", "*a* _b_ `c` $d$ @e",
    "^f^ ~g~ \\newpage &amp; {=html}", "`x`{=html}", "{{ 7 * 7 }}", "{% for x in y %}", "a\n\n# b", "12. ", "...",
]  # fmt: skip


def shown(text: str) -> tuple[str, str]:
    """Return what pandoc makes of escaped text, as HTML and as plain text."""
    program = pypandoc.get_pandoc_path()
    made = []
    for writer in ("html", "plain"):
        command = [program, "-f", converting._READER, "-t", writer, "--wrap=none"]
        done = subprocess.run(command, input=markdown.escape(text).encode(), capture_output=True, check=True)
        made.append(done.stdout.decode().strip())
    return made[0], made[1]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_as_it_is(text: str) -> None:
    html, plain = shown(text)
    assert plain == " ".join(text.split())
    inside = html.removeprefix("<p>").removesuffix("</p>")
    assert "<" not in inside


@settings(max_examples=15, deadline=None)
@given(st.text(st.characters(min_codepoint=32, max_codepoint=0x17F), min_size=1, max_size=40))
def test_any_text_is_shown_as_it_is(text: str) -> None:
    html, plain = shown("x" + text)
    assert "<" not in html.removeprefix("<p>").removesuffix("</p>")
    assert plain.split() == markdown.plain("x" + text).split()


def test_right_to_left_text_keeps_its_own_direction() -> None:
    assert markdown.escape("שלום (x)") == '[שלום (x)]{dir="rtl"}'


def test_marks_that_reorder_a_sentence_are_dropped() -> None:
    assert markdown.escape("veilig\u202egnp.exe") == "veilignp.exe".replace("np", "gnp")


def test_our_own_markdown_is_left_alone_and_all_else_is_escaped() -> None:
    jinja = markdown.environment()
    text = jinja.from_string("{{ ours }} {{ theirs }} {{ number }}").render(
        ours=Markdown("*a*"), theirs="*a*", number=3
    )
    assert text == r"*a* \*a\* 3"


def test_a_template_can_not_reach_python() -> None:
    from jinja2.exceptions import SecurityError

    with pytest.raises(SecurityError):
        markdown.environment().from_string("{{ x.__class__.__mro__ }}").render(x="a")


def test_a_long_answer_keeps_its_paragraphs() -> None:
    assert markdown.paragraphs("een\r\nnog een\n\n# twee\n\n\n") == "een nog een\n\n\\# twee"
