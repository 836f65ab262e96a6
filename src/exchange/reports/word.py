"""Word documents: the plain letterhead, the check of a practice's own, and the same bytes each time."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date
from pathlib import Path
from xml.sax.saxutils import escape

from exchange.errors import ReportError

_NEEDED = ("[Content_Types].xml", "word/document.xml", "word/styles.xml")
_LARGEST = 20 * 1024 * 1024
_EPOCH = (1980, 1, 1, 0, 0, 0)
_FOOTER_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.footer+xml"
_FOOTER_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footer"
_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_R = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'

# A chart, and the note under it where there is one, that stand before the table of its data.
_DRAWN = re.compile(
    r"<w:p>(?:(?!</w:p>).)*<w:drawing>(?:(?!</w:p>).)*</w:p>\s*"
    r"(?:<w:p>(?:(?!</w:p>|<w:drawing>).)*</w:p>\s*)?(?=<w:tbl>)",
    re.DOTALL,
)
_IN_STYLE = re.compile(r"(<w:p><w:pPr><w:pStyle [^>]*/>)(?!<w:keepNext/>)")
_TABLES = re.compile(r"<w:tbl>.*?</w:tbl>", re.DOTALL)
_ROWS = re.compile(r"<w:tr>.*?</w:tr>", re.DOTALL)
# A break in a paragraph of its own makes an empty page where the page before it is full; the heading itself breaks.
_BREAKS = re.compile(
    r'<w:p>\s*<w:r>\s*<w:br w:type="page" ?/>\s*</w:r>\s*</w:p>\s*((?:<w:bookmarkStart[^>]*/>\s*)*)'
    r'(<w:p>\s*<w:pPr>\s*<w:pStyle w:val="Heading\d" ?/>)'
)
_SHORT = 12

_STYLES = """
<w:style w:type="character" w:customStyle="1" w:styleId="Blank"><w:name w:val="Blank"/><w:qFormat/>
<w:rPr><w:shd w:val="clear" w:color="auto" w:fill="FFF1A8"/></w:rPr></w:style>
<w:style w:type="paragraph" w:customStyle="1" w:styleId="Note"><w:name w:val="Note"/><w:basedOn w:val="Normal"/>
<w:qFormat/><w:pPr><w:pBdr><w:left w:val="single" w:sz="24" w:space="8" w:color="5A5A5A"/></w:pBdr>
<w:shd w:val="clear" w:color="auto" w:fill="F4F4F4"/><w:spacing w:before="60" w:after="60"/><w:ind w:left="200"/>
</w:pPr></w:style>
<w:style w:type="paragraph" w:customStyle="1" w:styleId="Banner"><w:name w:val="Banner"/><w:basedOn w:val="Normal"/>
<w:qFormat/><w:pPr><w:pBdr><w:top w:val="single" w:sz="12" w:space="3" w:color="1A1A1A"/><w:bottom w:val="single"
 w:sz="12" w:space="3" w:color="1A1A1A"/></w:pBdr><w:spacing w:after="160"/></w:pPr><w:rPr><w:b/></w:rPr></w:style>
<w:style w:type="paragraph" w:customStyle="1" w:styleId="Address"><w:name w:val="Address"/><w:basedOn w:val="Normal"/>
<w:qFormat/><w:pPr><w:spacing w:before="0" w:after="240"/></w:pPr></w:style>
<w:style w:type="paragraph" w:customStyle="1" w:styleId="Together"><w:name w:val="Together"/><w:basedOn w:val="Normal"/>
<w:qFormat/><w:pPr><w:keepNext/><w:keepLines/></w:pPr></w:style>
<w:style w:type="paragraph" w:customStyle="1" w:styleId="Small"><w:name w:val="Small"/><w:basedOn w:val="Normal"/>
<w:qFormat/><w:pPr><w:spacing w:before="40" w:after="80"/></w:pPr><w:rPr><w:sz w:val="17"/><w:szCs w:val="17"/></w:rPr>
</w:style>
"""

_TABLE = """<w:style w:type="table" w:customStyle="1" w:styleId="Table"><w:name w:val="Table"/>
<w:basedOn w:val="TableNormal"/><w:qFormat/><w:rPr><w:sz w:val="18"/><w:szCs w:val="18"/></w:rPr>
<w:tblPr><w:tblBorders><w:bottom w:val="single" w:sz="6" w:space="0" w:color="8A8A8A"/>
<w:insideH w:val="single" w:sz="4" w:space="0" w:color="BDBDBD"/></w:tblBorders>
<w:tblCellMar><w:top w:w="30" w:type="dxa"/><w:left w:w="70" w:type="dxa"/><w:bottom w:w="30" w:type="dxa"/>
<w:right w:w="70" w:type="dxa"/></w:tblCellMar></w:tblPr><w:tblStylePr w:type="firstRow"><w:rPr><w:b/></w:rPr>
<w:tcPr><w:tcBorders><w:bottom w:val="single" w:sz="8" w:space="0" w:color="1A1A1A"/></w:tcBorders>
<w:vAlign w:val="bottom"/></w:tcPr></w:tblStylePr></w:style>"""

# Half points: the size of each style of the letter.
_SIZES = {"Title": 34, "Heading1": 32, "Heading2": 25, "Heading3": 22, "Heading4": 20}


def reference(default: bytes, page: str, of: str) -> bytes:
    """Return a sober letterhead made from pandoc's own reference document: A4, one font, black, numbered pages."""
    parts = _parts(default)
    styles = parts["word/styles.xml"].decode("utf-8")
    styles = re.sub(r"<w:rFonts\b[^>]*/>", '<w:rFonts w:ascii="Arial" w:hAnsi="Arial" w:cs="Arial"/>', styles)
    styles = re.sub(r"<w:color\b[^>]*/>", '<w:color w:val="1A1A1A"/>', styles)
    styles = styles.replace('<w:sz w:val="24" />', '<w:sz w:val="20" />', 1)
    styles = styles.replace('<w:szCs w:val="24" />', '<w:szCs w:val="20" />', 1)
    styles = _monospaced(styles)
    for style, size in _SIZES.items():
        styles = _resized(styles, style, size)
    styles = re.sub(r'(<w:spacing w:before=")180(" w:after=")180(")', r"\g<1>60\g<2>100\g<3>", styles)
    # Pandoc's style of cells and tight lists: less air, so that the first page of the summary is one page.
    styles = re.sub(r'(<w:spacing w:before=")36(" w:after=")36(")', r"\g<1>10\g<2>10\g<3>", styles)
    styles = re.sub(
        r'<w:style w:type="table"[^>]*w:styleId="Table">.*?</w:style>', lambda _: _TABLE, styles, flags=re.DOTALL
    )
    parts["word/styles.xml"] = styles.replace("</w:styles>", _STYLES + "</w:styles>").encode("utf-8")
    _add_footer(parts, page, of)
    return _packed(parts)


def _monospaced(styles: str) -> str:
    """Give code its own letter again, small: a signed definition is printed as the program reads it."""
    fonts = '<w:rFonts w:ascii="Courier New" w:hAnsi="Courier New" w:cs="Courier New"/><w:sz w:val="16"/>'
    block = re.compile(r'(w:styleId="VerbatimChar">.*?<w:rPr>).*?(</w:rPr>)', re.DOTALL)
    return block.sub(rf"\g<1>{fonts}\g<2>", styles, count=1)


def _resized(styles: str, style: str, size: int) -> str:
    """Set the size of one style and print it bold and to the left."""
    found = re.search(rf'<w:style [^>]*w:styleId="{style}">.*?</w:style>', styles, flags=re.DOTALL)
    if found is None:
        return styles
    block = re.sub(r"<w:(sz|szCs) w:val=\"\d+\" ?/>", "", found.group())
    block = re.sub(r"<w:i ?/>|<w:iCs ?/>|<w:b ?/>|<w:bCs ?/>", "", block)
    block = block.replace('<w:jc w:val="center" />', '<w:jc w:val="left" />')
    run = f'<w:b/><w:bCs/><w:color w:val="1A1A1A"/><w:sz w:val="{size}"/><w:szCs w:val="{size}"/>'
    block = re.sub(r"<w:color\b[^>]*/>", "", block)
    fonts = '<w:rFonts w:ascii="Arial" w:hAnsi="Arial" w:cs="Arial"/>'
    block = re.sub(r"<w:rPr>.*?</w:rPr>", f"<w:rPr>{fonts}{run}</w:rPr>", block, flags=re.DOTALL)
    return styles[: found.start()] + block + styles[found.end() :]


def _add_footer(parts: dict[str, bytes], page: str, of: str) -> None:
    """Give every page its number and set A4 with letter margins."""

    def counted(code: str) -> str:
        return f'<w:fldSimple w:instr=" {code} "><w:r><w:t>1</w:t></w:r></w:fldSimple>'

    def said(text: str) -> str:
        return f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r>'

    inside = said(f"{page} ") + counted("PAGE") + said(f" {of} ") + counted("NUMPAGES")
    parts["word/footer1.xml"] = (
        f'<?xml version="1.0" encoding="UTF-8"?><w:ftr {_W}><w:p><w:pPr><w:pStyle w:val="Small"/>'
        f'<w:jc w:val="right"/></w:pPr>{inside}</w:p></w:ftr>'
    ).encode()
    types = parts["[Content_Types].xml"].decode("utf-8")
    override = f'<Override PartName="/word/footer1.xml" ContentType="{_FOOTER_TYPE}"/>'
    parts["[Content_Types].xml"] = types.replace("</Types>", override + "</Types>").encode("utf-8")
    relations = parts["word/_rels/document.xml.rels"].decode("utf-8")
    relation = f'<Relationship Id="rIdFooter" Type="{_FOOTER_RELATION}" Target="footer1.xml"/>'
    parts["word/_rels/document.xml.rels"] = relations.replace("</Relationships>", relation + "</Relationships>").encode(
        "utf-8"
    )
    body = parts["word/document.xml"].decode("utf-8")
    section = (
        f'<w:sectPr {_R}><w:footerReference w:type="default" r:id="rIdFooter"/>'
        '<w:pgSz w:w="11906" w:h="16838"/>'
        '<w:pgMar w:top="1134" w:right="1247" w:bottom="1247" w:left="1247"'
        ' w:header="567" w:footer="567" w:gutter="0"/>'
        "</w:sectPr>"
    )
    parts["word/document.xml"] = re.sub(r"<w:sectPr\b.*?</w:sectPr>", lambda _: section, body, flags=re.DOTALL).encode(
        "utf-8"
    )


def usable(file: Path) -> bytes:
    """Return the bytes of a practice's own reference document, or refuse what is no plain Word document."""
    try:
        data = file.read_bytes() if file.stat().st_size <= _LARGEST else b""
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
            whole = sum(entry.file_size for entry in archive.infolist()) <= 10 * _LARGEST
    except (OSError, zipfile.BadZipFile) as broken:
        raise _unreadable(file) from broken
    if not whole or not names.issuperset(_NEEDED) or "word/vbaProject.bin" in names:
        raise _unreadable(file)
    return data


# What the templates put into a page, by the names that Word shows; without one, text in it looks like any other.
_STYLED = (
    "Normal",
    "Body Text",
    "First Paragraph",
    "Compact",
    "Heading 1",
    "Heading 2",
    "Heading 3",
    "Block Text",
    "Table",
    "Blank",
    "Note",
    "Banner",
    "Address",
    "Small",
)
_STYLE_NAME = re.compile(r'<w:style\b[^>]*>\s*<w:name\s+w:val="([^"]*)"')


def missing_styles(data: bytes) -> tuple[str, ...]:
    """Return the styles that our pages use and a Word document lacks, in the order of `_STYLED`."""
    styles = _parts(data)["word/styles.xml"].decode("utf-8", "replace")
    known = {name.casefold() for name in _STYLE_NAME.findall(styles)}
    return tuple(name for name in _STYLED if name.casefold() not in known)


def _unreadable(file: Path) -> ReportError:
    return ReportError("reports.reference-unreadable", hints=("hint.save-as-docx",), file=file.name)


def finished(made: bytes, on: date, title: str, author: str) -> bytes:
    """Return a Word document with its properties filled, whose archive holds no moment but the document's own date."""
    parts = _parts(made)
    moment = f"{on.isoformat()}T12:00:00Z"
    core = parts["docProps/core.xml"].decode("utf-8")
    core = re.sub(r"(<dcterms:(created|modified)[^>]*>)[^<]*(<)", rf"\g<1>{moment}\g<3>", core)
    for name, text in (("title", title), ("creator", author)):
        core = re.sub(rf"<dc:{name}>[^<]*</dc:{name}>|<dc:{name} ?/>", "", core)
        core = core.replace("</cp:coreProperties>", f"<dc:{name}>{escape(text)}</dc:{name}></cp:coreProperties>")
    parts["docProps/core.xml"] = core.encode("utf-8")
    body = parts["word/document.xml"].decode("utf-8")
    body = _BREAKS.sub(r"\1\2<w:pageBreakBefore/>", body)
    body = _DRAWN.sub(lambda drawn: _IN_STYLE.sub(r"\1<w:keepNext/>", drawn.group()), body)
    parts["word/document.xml"] = _TABLES.sub(lambda table: _kept_together(table.group()), body).encode("utf-8")
    return _packed(parts)


def _kept_together(table: str) -> str:
    """Keep a row on one page, and a short table too."""
    rows = _ROWS.findall(table)
    for place, row in enumerate(rows):
        kept = row
        if "<w:trPr>" in kept:
            kept = kept.replace("<w:trPr>", "<w:trPr><w:cantSplit/>", 1)
        else:
            kept = re.sub(r"^<w:tr>", "<w:tr><w:trPr><w:cantSplit/></w:trPr>", kept)
        if len(rows) <= _SHORT and place < len(rows) - 1:
            kept = re.sub(r'(<w:pStyle w:val="Compact" ?/>)', r"\1<w:keepNext/>", kept)
        table = table.replace(row, kept, 1)
    return table


def _parts(archive: bytes) -> dict[str, bytes]:
    """Return the members of an archive by name, in their order."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def _packed(parts: dict[str, bytes]) -> bytes:
    """Return an archive without a clock in it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in parts.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            entry.create_system = 3
            archive.writestr(entry, data, compresslevel=6)
    return packed.getvalue()
