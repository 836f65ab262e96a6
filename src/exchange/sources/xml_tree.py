"""XML read as a stream of small trees, by a parser that knows no DTD, no entities and no references out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO
from xml.parsers import expat

from exchange.errors import SourceError

_CHUNK = 1 << 16
_DEPTH_LIMIT = 32
_NODE_LIMIT = 2_000
_TEXT_LIMIT = 10_000
# What is kept until a scope ends: elements, and characters of their texts.
# A tag, name or comment that does not end is read from its beginning at every chunk.
_TOKEN_LIMIT = 1 << 20
_KEPT_LIMIT, _KEPT_TEXT_LIMIT = 400_000, 20_000_000


@dataclass(slots=True)
class Node:
    """One element by its local name: its text, its children, and the line it began on."""

    name: str
    line: int
    text: str = ""
    children: list[Node] = field(default_factory=list)
    below: dict[str, list[Node]] | None = None

    def all(self, name: str) -> Sequence[Node]:
        """Return every descendant of that name, in document order; ask only when the element has ended."""
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


def _gather(node: Node, into: dict[str, list[Node]]) -> None:
    for child in node.children:
        into.setdefault(child.name, []).append(child)
        if child.children:
            _gather(child, into)


class _Builder:
    """Collect the trees whose root has a wanted name, and say where each wanted scope ends."""

    def __init__(self, parser: expat.XMLParserType, wanted: frozenset[str], scopes: frozenset[str]) -> None:
        self.parser = parser
        self.wanted = wanted
        self.scopes = scopes
        self.root = ""
        self.locals: dict[str, str] = {}
        self.depth = 0
        self.open: list[Node] = []
        self.nodes = 0
        self.kept = self.kept_text = 0
        self.ready: list[Node | str] = []
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.characters
        parser.StartDoctypeDeclHandler = self.refuse
        parser.EntityDeclHandler = self.refuse
        parser.ExternalEntityRefHandler = self.refuse

    def refuse(self, *_: object) -> int:
        raise SourceError("sources.xml-doctype", line=self.parser.CurrentLineNumber)

    def start(self, name: str, _: object) -> None:
        if not self.root:
            self.root = name
        local = self.local(name)
        self.depth += 1
        self.nodes += 1
        if self.depth > _DEPTH_LIMIT or self.nodes > _NODE_LIMIT:
            raise SourceError("sources.xml-limits", line=self.parser.CurrentLineNumber)
        if self.open or local in self.wanted:
            node = Node(local, self.parser.CurrentLineNumber)
            if self.open:
                self.open[-1].children.append(node)
            self.open.append(node)
        else:
            self.nodes = 0

    def end(self, name: str) -> None:
        self.depth -= 1
        if self.open:
            node = self.open.pop()
            if not self.open:
                self.kept += self.nodes
                self.nodes = 0
                self.ready.append(node)
                if self.kept > _KEPT_LIMIT or self.kept_text > _KEPT_TEXT_LIMIT:
                    raise SourceError("sources.xml-limits", line=self.parser.CurrentLineNumber)
        elif (local := self.local(name)) in self.scopes:
            self.kept = self.kept_text = 0
            self.ready.append(local)

    def local(self, name: str) -> str:
        """Return a name without its namespace; a message has few names, a hostile one is not remembered."""
        found = self.locals.get(name)
        if found is None:
            found = name.rpartition(" ")[2]
            if len(self.locals) < _NODE_LIMIT:
                self.locals[name] = found
        return found

    def characters(self, text: str) -> None:
        if self.open:
            node = self.open[-1]
            if len(node.text) + len(text) > _TEXT_LIMIT:
                raise SourceError("sources.xml-limits", line=self.parser.CurrentLineNumber)
            node.text += text
            self.kept_text += len(text)


def _is_one_of(namespace: str, known: Iterable[str]) -> bool:
    """Tell whether this is a known namespace, or a version of it: what stands behind it is no letter or digit."""
    return any(namespace.startswith(one) and not namespace[len(one) : len(one) + 1].isalnum() for one in known)


def trees(
    file: BinaryIO, *, namespaces: Iterable[str], wanted: frozenset[str], scopes: frozenset[str]
) -> Iterator[tuple[str, Node | str]]:
    """Yield (root namespace, a whole subtree or the name of a scope that ended) in document order."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    builder = _Builder(parser, wanted, scopes)
    allowed = frozenset(namespaces)
    given = 0
    while True:
        chunk = file.read(_CHUNK)
        given += len(chunk)
        try:
            parser.Parse(chunk, not chunk)
        except expat.ExpatError as error:
            raise SourceError("sources.xml", hints=("hint.export-again",), line=error.lineno) from error
        except (ValueError, LookupError) as error:  # an encoding that expat or Python does not know
            raise SourceError("sources.xml", hints=("hint.export-again",), line=1) from error
        if given - parser.CurrentByteIndex > _TOKEN_LIMIT:
            raise SourceError("sources.xml-limits", line=parser.CurrentLineNumber)
        namespace = builder.root.rpartition(" ")[0]
        if builder.root and not _is_one_of(namespace, allowed):
            raise SourceError("sources.gds801-namespace", hints=("hint.kind-of-file",), line=1)
        ready, builder.ready = builder.ready, []
        for item in ready:
            yield namespace, item
        if not chunk:
            return
