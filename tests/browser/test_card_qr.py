"""The QR code of a card, looked at: drawn by a browser from the SVG, or as the PNG, and read by another's decoder."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

zxingcpp = pytest.importorskip("zxingcpp", reason="zxing-cpp is not here")


def read(picture: bytes) -> list[str]:
    from PIL import Image

    with Image.open(io.BytesIO(picture)) as image:
        return [one.text for one in zxingcpp.read_barcodes(image.convert("L"))]


def drawn(run: Any, town: Any, file: Path) -> str:
    """Write the code with the command, and return the forty digits that it must say."""
    said = run("partner", "card", "--qr", file, "--json", workspace=town["praktijk"])
    assert said.code == 0, said.err
    fingerprint: str = said.json["fingerprint"]
    return fingerprint.replace(" ", "")


@pytest.mark.referee
def test_the_svg_as_a_browser_draws_it_says_the_fingerprint(run: Any, town: Any, browser: Any, tmp_path: Path) -> None:
    digits = drawn(run, town, tmp_path / "card.svg")
    page = browser.new_page(viewport={"width": 300, "height": 300}, color_scheme="dark")
    page.goto((tmp_path / "card.svg").as_uri())
    shown = page.screenshot()
    page.close()
    assert read(shown) == [digits]


@pytest.mark.referee
@pytest.mark.parametrize(("turn", "factor"), [(0, 1.0), (90, 0.6), (7, 1.0)])
def test_the_png_is_read_also_small_and_askew(run: Any, town: Any, tmp_path: Path, turn: int, factor: float) -> None:
    from PIL import Image

    digits = drawn(run, town, tmp_path / "card.png")
    with Image.open(tmp_path / "card.png") as image:
        grey = image.convert("L").rotate(turn, expand=True, fillcolor=255)
        small = grey.resize((int(grey.width * factor), int(grey.height * factor)))
        kept = io.BytesIO()
        small.save(kept, "PNG")
    assert read(kept.getvalue()) == [digits]


@pytest.mark.referee
def test_a_picture_of_another_card_does_not_verify(run: Any, town: Any, tmp_path: Path) -> None:
    drawn(run, town, tmp_path / "card.png")
    (digits,) = read((tmp_path / "card.png").read_bytes())
    words = ("--fingerprint", digits, "--how", "op het scherm van de partner gescand")
    refused = run("partner", "verify", "agb:01999991", *words, "--json", workspace=town["praktijk"])
    assert refused.json["error"]["rule"] == "partners.fingerprint-differs"
