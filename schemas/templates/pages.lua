-- What Markdown has no word for: page breaks, the end of the letter, marked blanks, notes, row heads, pictures.

local function typst(text) return pandoc.RawBlock('typst', text) end

local breaks = {
  docx = '<w:p><w:r><w:br w:type="page"/></w:r></w:p>',
  html = '<div class="pagebreak"></div>',
  typst = '#pagebreak(weak: true)',
}

local function page_break()
  if FORMAT:match('docx') then return pandoc.RawBlock('openxml', breaks.docx) end
  if FORMAT:match('typst') then return typst(breaks.typst) end
  return pandoc.RawBlock('html', breaks.html)
end

local boxes = { note = 'Note', banner = 'Banner', address = 'Address', together = 'Together', glance = 'Note', small = 'Small',
  announcing = 'Together' }

local function pictured(block)
  if block.t == 'Div' then return block.classes[1] == 'together' and #block.content > 0 and pictured(block.content[1]) end
  return block.t == 'Figure' or (block.t == 'Para' and #block.content == 1 and block.content[1].t == 'Image')
end

-- What announces a table or a chart (a line that ends in a colon, the text or table just above a chart) stays with it.
local function Blocks(blocks)
  for i = 1, #blocks - 1 do
    local line, following = blocks[i], blocks[i + 1]
    local told = line.t == 'Para' and following.t == 'Table' and pandoc.utils.stringify(line):match(':%s*$')
    -- In Word a table's cells would take the style of the box.
    local above = line.t == 'Para' or (line.t == 'Table' and not FORMAT:match('docx'))
    if told or (above and pictured(following)) then
      blocks[i] = pandoc.Div({ line }, pandoc.Attr('', { 'announcing' }))
    end
  end
  return blocks
end

local function Div(div)
  local class = div.classes[1]
  if class == 'pagebreak' then return page_break() end
  if class == 'annex' then
    if FORMAT:match('typst') then
      return { typst('#context [#metadata(here().page()) <letter-end>]'), page_break() }
    end
    return page_break()
  end
  if boxes[class] == nil then return nil end
  if FORMAT:match('docx') then
    div.attributes['custom-style'] = boxes[class]
    return div
  end
  if FORMAT:match('typst') then
    local inside = pandoc.Blocks({ typst('#' .. class .. '[') })
    inside:extend(div.content)
    inside:insert(typst(']'))
    return inside
  end
  return nil
end

local function Span(span)
  if span.classes[1] ~= 'blank' then return nil end
  if FORMAT:match('docx') then
    span.attributes['custom-style'] = 'Blank'
    return span
  end
  local open, close, raw = '<mark>', '</mark>', 'html'
  if FORMAT:match('typst') then open, close, raw = '#blank[', ']', 'typst' end
  local inside = pandoc.Inlines({ pandoc.RawInline(raw, open) })
  inside:extend(span.content)
  inside:insert(pandoc.RawInline(raw, close))
  return inside
end

local function Image(image)
  -- Only our own charts, which lie beside the text; anything else would be fetched from where it points.
  if not image.src:match('^[a-z0-9-]+%.svg$') and not image.src:match('^[a-z0-9-]+%.png$') then
    return image.caption
  end
  if not FORMAT:match('typst') then return nil end
  local alt = pandoc.utils.stringify(image.caption):gsub('\\', '\\\\'):gsub('"', '\\"')
  return pandoc.RawInline('typst', '#box(image("' .. image.src .. '", width: 84%, alt: "' .. alt .. '"))')
end

-- A wide table scrolls by itself on a narrow screen, also for who has no mouse.
local named = 'table'
local function scrolling(tbl)
  -- Pairs, not a table with keys: Lua walks those in another order each time.
  local attributes = { { 'role', 'group' }, { 'aria-label', named }, { 'tabindex', '0' } }
  return pandoc.Div({ tbl }, pandoc.Attr('', { 'scroll' }, attributes))
end

-- The first cell of a row names the row; a screen reader needs to know.
local function Link(link)
  local target = link.target
  if target:match('^https?://') or target:match('^mailto:') or target:match('^#') then return nil end
  return link.content
end

local function table_block(tbl)
  if FORMAT:match('html') then
    for _, body in ipairs(tbl.bodies) do body.row_head_columns = 1 end
    return scrolling(tbl)
  end
  if FORMAT:match('typst') then
    local rows = 0
    for _, body in ipairs(tbl.bodies) do rows = rows + #body.body end
    -- A short table stays on one page; a long one may break, with its head repeated.
    if rows <= 12 then return { typst('#block(breakable: false)['), tbl, typst(']') } end
  end
  return nil
end

-- The words a page needs come with its metadata, so that is read first.
return {
  { Meta = function(meta) if meta['label-table'] then named = pandoc.utils.stringify(meta['label-table']) end end },
  { Blocks = Blocks },
  { Div = Div, Span = Span, Image = Image, Link = Link, Table = table_block },
}
