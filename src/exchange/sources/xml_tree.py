"""XML read as a stream of small trees, by a parser that follows no DTD, no entities and no references out.

libxml2 builds each tree; expat reads the file's beginning first, and what it finds there decides whether libxml2 sees
the file at all. The way of the file and its figures: docs/decisions/0021-xml-by-libxml2.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple
from xml.parsers import expat

from exchange.errors import SourceError

if TYPE_CHECKING:
    from lxml.etree import _Element

_CHUNK = 1 << 16
_NODE_LIMIT = 2_000
_TEXT_LIMIT = 10_000
# The prologue: declaration, comments and the root's start tag.
_PROLOGUE_LIMIT = 1 << 20
# What may pass without an element that is wanted: until one comes, libxml2 keeps it all.
_UNWANTED_LIMIT = 4 << 20
# What is kept until a scope ends: elements, and characters of their texts.
_KEPT_LIMIT, _KEPT_TEXT_LIMIT = 400_000, 20_000_000
# libxml2 knows more, in some of which `<` is written otherwise than expat reads it.
_ENCODINGS = frozenset({"utf-8", "utf-16", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252"})
_BROKEN = {"hints": ("hint.export-again",)}


class Tree(NamedTuple):
    """A wanted element with all below it, in document order; with the counts that is the whole tree."""

    line: int
    # Local names, how many elements stand directly in each, and the text before the first of those.
    names: tuple[str, ...]
    counts: tuple[int, ...]
    texts: tuple[str, ...]

    @property
    def name(self) -> str:
        """The local name of the element itself."""
        return self.names[0]

    @property
    def text(self) -> str:
        """Its own text."""
        return self.texts[0].strip()

    def node(self) -> Node:
        """Return the tree as nodes."""
        return node(self.names, self.counts, self.texts)


@dataclass(slots=True, eq=False)
class Node:
    """One element by its local name: its text, and its children."""

    name: str
    text: str = ""
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


def node(names: Sequence[str], counts: Sequence[int], texts: Sequence[str]) -> Node:
    """Return the tree that names, counts and texts in document order are."""
    root = Node(names[0], texts[0])
    waiting = [root] * counts[0]
    for name, count, text in zip(names[1:], counts[1:], texts[1:], strict=True):
        made = Node(name, text)
        waiting.pop().children.append(made)
        waiting += [made] * count
    return root


def _gather(above: Node, into: dict[str, list[Node]]) -> None:
    for child in above.children:
        into.setdefault(child.name, []).append(child)
        if child.children:
            _gather(child, into)


class _Locals(dict[Any, str]):
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
    """Makes trees of what libxml2 has built, and lets go of everything before them."""

    def __init__(self, wanted: frozenset[str], scopes: frozenset[str]) -> None:
        from lxml import etree

        self.wanted, self.scopes = wanted, scopes
        self.locals = _Locals()
        self.kept = self.kept_text = 0
        self.known = False
        self.parser = etree.XMLPullParser(
            events=("end",), tag=[f"{{*}}{name}" for name in sorted(wanted | scopes)], resolve_entities=False,
            no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True,
        )  # fmt: skip

    def feed(self, data: bytes) -> None:
        """Give libxml2 the next bytes, or none at the end."""
        from lxml import etree

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
        local = self.locals
        for _, element in self.parser.read_events():
            if not self.known:
                self.refuse_doctype(element)
            above = []
            one = element.getparent()
            while one is not None and local[one.tag] not in self.wanted:
                above.append(one)
                one = one.getparent()
            if one is not None:
                # Part of a tree that is still to come.
                continue
            name = local[element.tag]
            if name in self.wanted:
                yield self.tree(element)
            else:
                self.kept = self.kept_text = 0
                yield name
            _forget_before(element, above)

    def refuse_doctype(self, element: _Element) -> None:
        """Ask libxml2 too: two parsers may disagree on what a file's first bytes are."""
        if element.getroottree().docinfo.internalDTD is not None:
            raise SourceError("sources.xml-doctype", line=1)
        self.known = True

    def tree(self, element: _Element) -> Tree:
        """Return the element as a tree; raise SourceError where it is bigger than any that a practice gets."""
        every, local = list(element.iter()), self.locals
        texts = [one.text or "" for one in every]
        characters = sum(map(len, texts))
        self.kept += len(every)
        self.kept_text += characters
        too_long = characters > _TEXT_LIMIT and max(map(len, texts)) > _TEXT_LIMIT
        if too_long or len(every) > _NODE_LIMIT or self.kept > _KEPT_LIMIT or self.kept_text > _KEPT_TEXT_LIMIT:
            raise SourceError("sources.xml-limits", line=element.sourceline)
        names = tuple([local[one.tag] for one in every])
        return Tree(element.sourceline or 0, names, tuple(map(len, every)), tuple(texts))


def _forget_before(element: _Element, above: Iterable[_Element]) -> None:
    """Let go of all that came before an element: it has been given out, or nobody asked for it."""
    here = element
    for one in above:
        while (before := here.getprevious()) is not None:
            one.remove(before)
        here = one


def _is_one_of(namespace: str, known: Iterable[str]) -> bool:
    """Tell whether this is a known namespace, or a version of it: what stands behind it is no letter or digit."""
    return any(namespace.startswith(one) and not namespace[len(one) : len(one) + 1].isalnum() for one in known)


def trees(
    file: BinaryIO, *, namespaces: Iterable[str], wanted: frozenset[str], scopes: frozenset[str]
) -> Iterator[tuple[str, Tree | str]]:
    """Yield (root namespace, a whole tree or the name of a scope that ended) in document order."""
    prologue = _Prologue()
    data = prologue.read(file)
    namespace = prologue.root.rpartition(" ")[0]
    if not _is_one_of(namespace, namespaces):
        raise SourceError("sources.gds801-namespace", hints=("hint.kind-of-file",), line=1)
    collector = _Collector(wanted, scopes)
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
