"""What a narrative may hold: the basic XHTML that FHIR allows, and something to read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_XHTML = "{http://www.w3.org/1999/xhtml}"
# HTML 4.0 chapters 7-11 (9.4 apart) and 15, with links and images: R4, section 2.4.0, rule txt-1.
# fmt: off
_ELEMENTS = frozenset((
    "a", "abbr", "acronym", "address", "area", "b", "bdo", "big", "blockquote", "br", "caption", "cite", "code",
    "col", "colgroup", "dd", "del", "dfn", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i",
    "img", "ins", "kbd", "li", "map", "ol", "p", "pre", "q", "samp", "small", "span", "strong", "sub", "sup",
    "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "ul", "var",
))
# fmt: on
_SCHEMES = ("javascript:", "vbscript:", "data:text")


def is_basic(node: Mapping[str, Any]) -> bool:
    """Say whether the text is one well-formed `div` of basic XHTML without anything that could act (txt-1)."""
    div = node.get("div")
    if not isinstance(div, str):
        return True
    root = _parsed(div)
    if root is None or root.tag != f"{_XHTML}div":
        return False
    for element in root.iter():
        name = element.tag
        if not isinstance(name, str):
            continue
        if name.removeprefix(_XHTML) not in _ELEMENTS or not all(_is_plain(*each) for each in element.items()):
            return False
    return True


def has_content(node: Mapping[str, Any]) -> bool:
    """Say whether there is anything to read or to see (txt-2); of what is no XHTML txt-1 speaks."""
    div = node.get("div")
    root = _parsed(div) if isinstance(div, str) else None
    if root is None:
        return True
    return any(text.strip() for text in root.itertext()) or root.find(f".//{_XHTML}img") is not None


def _parsed(div: str) -> Any:
    from lxml import etree

    # No document type can stand inside a div, so nothing is ever declared, fetched or expanded.
    if "<!DOCTYPE" in div or "<!ENTITY" in div:
        return None
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        return etree.fromstring(div.encode("utf-8", "surrogatepass"), parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def _is_plain(name: str, value: str) -> bool:
    """Refuse attributes that act: event handlers, and addresses that are programs."""
    address = "".join(value.split()).casefold()
    return not name.casefold().startswith("on") and not address.startswith(_SCHEMES)
