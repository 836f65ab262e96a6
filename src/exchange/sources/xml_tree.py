"""XML read as a stream of small trees, by a parser that follows no DTD, no entities and no references out.

libxml2 builds each tree; expat reads the file's beginning first, and what it finds there decides whether libxml2 sees
the file at all. The way of the file and its figures: docs/decisions/0021-xml-by-libxml2.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO
from xml.parsers import expat

from lxml import etree
from lxml.etree import _Element

from exchange.errors import SourceError

# Small enough for what is built of it to stay near the processor.
_CHUNK = 1 << 14
_NODE_LIMIT = 2_000
_TEXT_LIMIT = 10_000
# The prologue: declaration, comments and the root's start tag.
_PROLOGUE_LIMIT = 1 << 20
# What may pass without an element that is wanted: until one comes, libxml2 keeps it all.
_UNWANTED_LIMIT = 4 << 20
# One wanted element as it is written.
_WRITTEN_LIMIT = 1 << 16
# After how many wanted elements those that came before are let go of.
_OFTEN = 16
# libxml2 knows more, in some of which `<` is written otherwise than expat reads it.
_ENCODINGS = frozenset({"utf-8", "utf-16", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252"})
_BROKEN = {"hints": ("hint.export-again",)}


class Tree:
    """A wanted element with all below it; ask what it holds before the next one is taken, for then it is gone."""

    __slots__ = ("_element", "_locals", "line", "name")

    def __init__(self, element: _Element, name: str, local: Locals) -> None:
        """Take an element that has ended."""
        self._element, self._locals, self.name = element, local, name
        self.line: int = element.sourceline or 0

    @property
    def prefix(self) -> str:
        """What stands before the names of its namespace, with the colon."""
        return f"{self._element.prefix}:" if self._element.prefix else ""

    def written(self) -> str:
        """Return it as libxml2 writes it: no comments, no CDATA, `<` in tags only; SourceError where it is too long."""
        text = etree.tostring(self._element, encoding="unicode", with_tail=False)
        if len(text) > _WRITTEN_LIMIT:
            raise SourceError("sources.xml-limits", line=self.line)
        return text

    def node(self) -> Node:
        """Return it as nodes; SourceError where it is wider or longer than any that a practice gets."""
        root = Node(self.name, self._element.text or "", self.line)
        made = [(self._element, root)]
        for count, (element, node) in enumerate(made):
            if count >= _NODE_LIMIT or len(node.text) > _TEXT_LIMIT:
                raise SourceError("sources.xml-limits", line=self.line)
            for child in element:
                node.children.append(Node(self._locals[child.tag], child.text or ""))
                made.append((child, node.children[-1]))
        return root


@dataclass(slots=True, eq=False)
class Node:
    """One element by its local name: its text, and its children; of the outermost the line it stands on too."""

    name: str
    text: str = ""
    line: int = 0
    children: list[Node] = field(default_factory=list)
    below: dict[str, list[Node]] | None = None

    def all(self, name: str) -> Sequence[Node]:
        """Return every descendant of that name, in document order."""
        if self.below is None:
            self.below = {}
            _gather(self, self.below)
        return self.below.get(name, ())

    def first(self, *path: str) -> Node | None:
        """Return the first descendant along a path of names, each at any depth below the one before."""
        found: Node | None = self
        for name in path:
            below = found.all(name) if found is not None else ()
            found = below[0] if below else None
        return found

    def value(self, *path: str) -> str:
        """Return the text along a path, or nothing."""
        found = self.first(*path)
        return "" if found is None else found.text.strip()


def _gather(above: Node, into: dict[str, list[Node]]) -> None:
    for child in above.children:
        into.setdefault(child.name, []).append(child)
        if child.children:
            _gather(child, into)


class Locals(dict[Any, str]):
    """Names without their namespaces; a message has few names, a hostile one is not remembered."""

    def __missing__(self, tag: Any) -> str:
        if not isinstance(tag, str):  # an entity, of which a file without document type has none
            raise SourceError("sources.xml-doctype", line=1)
        local = tag.rpartition("}")[2]
        if len(self) < _NODE_LIMIT:
            self[tag] = local
        return local


class _Prologue:
    """Reads up to the root's start tag: no document type can come after it."""

    def __init__(self) -> None:
        self.root = ""
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.XmlDeclHandler = self.declare
        self.parser.StartElementHandler = self.start
        self.parser.StartDoctypeDeclHandler = self.refuse
        self.parser.EntityDeclHandler = self.refuse
        self.parser.ExternalEntityRefHandler = self.refuse

    def declare(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            raise SourceError("sources.xml", line=1, **_BROKEN)

    def start(self, name: str, _: object) -> None:
        self.root = self.root or name

    def refuse(self, *_: object) -> int:
        raise SourceError("sources.xml-doctype", line=self.parser.CurrentLineNumber)

    def read(self, file: BinaryIO) -> bytes:
        """Return the chunks that were read until the root's start tag had ended."""
        read = b""
        while not self.root:
            chunk = file.read(_CHUNK)
            read += chunk
            try:
                self.parser.Parse(chunk, not chunk)
            except expat.ExpatError as error:
                if not self.root:
                    raise SourceError("sources.xml", line=error.lineno, **_BROKEN) from error
            except (ValueError, LookupError) as error:  # an encoding that expat or Python does not know
                raise SourceError("sources.xml", line=1, **_BROKEN) from error
            if len(read) > _PROLOGUE_LIMIT:
                raise SourceError("sources.xml-limits", line=self.parser.CurrentLineNumber)
        return read


class _Collector:
    """Finds what is wanted in what libxml2 has built, and lets go of everything before it."""

    def __init__(self, wanted: frozenset[str], before: frozenset[str], scopes: frozenset[str]) -> None:
        self.wanted, self.before = wanted, before
        self.locals = Locals()
        self.began = False
        self.since = 0
        self.parser = etree.XMLPullParser(
            events=("end",), tag=[f"{{*}}{name}" for name in sorted(wanted | scopes)], resolve_entities=False,
            no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True,
        )  # fmt: skip

    def feed(self, data: bytes) -> None:
        """Give libxml2 the next bytes, or none at the end."""
        try:
            if data:
                self.parser.feed(data)
            else:
                self.parser.close()
        except etree.XMLSyntaxError as error:
            deep = "depth" in (error.msg or "") or error.code == etree.ErrorTypes.ERR_RESOURCE_LIMIT
            if deep:
                raise SourceError("sources.xml-limits", line=error.lineno) from None
            raise SourceError("sources.xml", line=error.lineno, **_BROKEN) from None
        except (LookupError, ValueError):
            raise SourceError("sources.xml", line=1, **_BROKEN) from None

    def ready(self) -> Iterator[Tree | str]:
        """Yield what has ended since the last time."""
        local, wanted = self.locals, self.wanted
        for _, element in self.parser.read_events():
            if not self.began:
                self.began = True
                yield from self.standing_before(element)
            above = element.getparent()
            while above is not None and local[above.tag] not in wanted:
                above = above.getparent()
            if above is not None:
                # Part of a tree that is still to come.
                continue
            name = local[element.tag]
            self.since += 1
            if name in wanted:
                yield Tree(element, name, local)
            else:
                yield name
                self.since = _OFTEN
            if self.since >= _OFTEN:
                self.since = 0
                _forget_before(element)

    def standing_before(self, element: _Element) -> Iterator[Tree]:
        """Yield what is asked for of all that stands before the first wanted element."""
        if element.getroottree().docinfo.internalDTD is not None:
            # expat has looked, but two parsers may disagree on what a file's first bytes are.
            raise SourceError("sources.xml-doctype", line=1)
        inside = None
        tags = [*(f"{{*}}{name}" for name in sorted(self.before)), f"{{*}}{self.locals[element.tag]}"]
        for one in element.getroottree().iter(*tags):
            if one is element:
                return
            if inside is None or inside not in one.iterancestors():
                inside = one
                if (name := self.locals[one.tag]) in self.before:
                    yield Tree(one, name, self.locals)


def _forget_before(element: _Element) -> None:
    """Let go of all that came before an element: it has been given out, or nobody asked for it."""
    here: _Element | None = element
    while here is not None:
        above = here.getparent()
        while above is not None and (before := here.getprevious()) is not None:
            above.remove(before)
        here = above


def _is_one_of(namespace: str, known: Iterable[str]) -> bool:
    """Tell whether this is a known namespace, or a version of it: what stands behind it is no letter or digit."""
    return any(namespace.startswith(one) and not namespace[len(one) : len(one) + 1].isalnum() for one in known)


def trees(
    file: BinaryIO,
    *,
    namespaces: Iterable[str],
    wanted: frozenset[str],
    before: frozenset[str],
    scopes: frozenset[str],
) -> Iterator[tuple[str, Tree | str]]:
    """Yield (root namespace, a whole tree or the name of a scope that ended) in document order.

    A name in `before` is looked for only in what stands before the first wanted element or scope.
    """
    prologue = _Prologue()
    data = prologue.read(file)
    namespace = prologue.root.rpartition(" ")[0]
    if not _is_one_of(namespace, namespaces):
        raise SourceError("sources.gds801-namespace", hints=("hint.kind-of-file",), line=1)
    collector = _Collector(wanted, before, scopes)
    unwanted = 0
    line = 1
    while True:
        collector.feed(data)
        unwanted += len(data)
        for item in collector.ready():
            unwanted = 0
            line = item.line if isinstance(item, Tree) else line
            yield namespace, item
        if unwanted > _UNWANTED_LIMIT:
            raise SourceError("sources.xml-limits", line=line)
        if not data:
            return
        data = file.read(_CHUNK)
