/* xlsx_write.c - a workbook as a ZIP file of stored parts (APPNOTE.TXT 6.3), texts inline in their cells. The same
 * cells give the same bytes: no time stands in it.
 *
 * Why not libxlsxwriter: the process that serves pages may open no file, and Debian 12 has 1.1.4, which writes each
 * part into a temporary file and the workbook to a path (lxw_workbook_options: constant_memory, tmpdir, use_zip64).
 * `output_buffer` came with 1.1.5, and parts are kept in memory only by a library that was built with USE_MEM_FILE. */
#include "base/assert.h"
#include "base/bytes.h"
#include "codec/utf8.h"
#include "codec/xlsx.h"

#include <string.h>
#include <zlib.h>

#define HEADER_CRC  14u                  /* offset in a local header */
#define DOS_TIME    UINT32_C(0x00210000) /* 1980-01-01 00:00 */
#define DIRECTORY_N 46u

static void entry_begin(struct xlsx *xlsx, const char *name)
{
    struct buf *out = xlsx->out;
    ASSERT(xlsx->entries < ARRAY_LEN(xlsx->entry) && strlen(name) < sizeof xlsx->entry[0].name);
    size_t at = xlsx->entries;
    memcpy(xlsx->entry[at].name, name, strlen(name) + 1);
    xlsx->entry[at].header = out->n;
    buf_text(out, "PK\x03\x04");
    buf_le16(out, 20);
    buf_le16(out, 0x0800); /* names are UTF-8 */
    buf_le16(out, 0);      /* stored */
    buf_le32(out, DOS_TIME);
    for (int i = 0; i < 3; i++) /* checksum and sizes: entry_end */
        buf_le32(out, 0);
    buf_le16(out, (uint16_t)strlen(name));
    buf_le16(out, 0);
    buf_text(out, name);
    xlsx->entry[at].body = out->n;
}

static void entry_end(struct xlsx *xlsx)
{
    struct buf *out = xlsx->out;
    size_t at = xlsx->entries++;
    if (out->overflow)
        return;
    struct str body = str_skip(buf_view(out), xlsx->entry[at].body);
    xlsx->entry[at].size = (uint32_t)body.n;
    xlsx->entry[at].crc = (uint32_t)crc32_z(0, (const Bytef *)body.p, body.n);
    char *header = out->p + xlsx->entry[at].header + HEADER_CRC;
    put_le32(header, xlsx->entry[at].crc);
    put_le32(header + 4, xlsx->entry[at].size);
    put_le32(header + 8, xlsx->entry[at].size);
}

static bool is_noncharacter(struct str rest)
{
    return str_starts(rest, STR("\xef\xbf\xbe")) || str_starts(rest, STR("\xef\xbf\xbf"));
}

/* What XML cannot hold comes out as U+FFFD (XML 1.0, 2.2): controls, U+FFFE, U+FFFF. */
static void text_put(struct buf *out, struct str text)
{
    if (!utf8_valid(text))
        text = STR("\xef\xbf\xbd");
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        uint32_t code;
        bool none = is_noncharacter(str_skip(text, i));
        if (xlsx_escape(str_skip(text, i), &code))
            buf_text(out, "_x005F_");
        else if (c == '&')
            buf_text(out, "&amp;");
        else if (c == '<')
            buf_text(out, "&lt;");
        else if (c == '>')
            buf_text(out, "&gt;");
        else if (c == '"')
            buf_text(out, "&quot;");
        else if (c == '\r')
            buf_text(out, "&#13;");
        else if (none || (c < 0x20 && c != '\n' && c != '\t'))
            buf_text(out, "\xef\xbf\xbd");
        else
            buf_char(out, (char)c);
        i += none ? 2 : 0; /* three bytes */
    }
}

void xlsx_begin(struct xlsx *xlsx, struct buf *out)
{
    ASSERT(out->n == 0);
    *xlsx = (struct xlsx){.out = out};
}

static void sheet_end(struct xlsx *xlsx)
{
    if (xlsx->sheets == 0)
        return;
    if (xlsx->row_open)
        xlsx_row_end(xlsx);
    buf_text(xlsx->out, "</sheetData></worksheet>");
    entry_end(xlsx);
}

#define XML_HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n"
#define MAIN_NS  "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
#define DOC_NS   "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
#define PACK_NS  "http://schemas.openxmlformats.org/package/2006"

void xlsx_sheet(struct xlsx *xlsx, struct str name)
{
    char storage[40];
    struct buf path;
    ASSERT(xlsx->sheets < XLSX_SHEETS_MAX);
    sheet_end(xlsx);
    xlsx->name[xlsx->sheets++] = name;
    xlsx->row = xlsx->column = 0;
    buf_init_fixed(&path, storage, sizeof storage);
    buf_format(&path, "xl/worksheets/sheet%zu.xml", xlsx->sheets);
    entry_begin(xlsx, buf_z(&path));
    buf_text(xlsx->out, XML_HEAD "<worksheet xmlns=\"" MAIN_NS "\"><sheetData>");
}

/* The next column, in a row that is begun. */
static uint32_t column_next(struct xlsx *xlsx)
{
    ASSERT(xlsx->row < XLSX_ROWS_MAX && xlsx->column < XLSX_COLUMNS_MAX);
    if (!xlsx->row_open)
        buf_format(xlsx->out, "<row r=\"%u\">", xlsx->row + 1);
    xlsx->row_open = true;
    return xlsx->column++;
}

static void cell_begin(struct xlsx *xlsx, uint32_t column)
{
    buf_text(xlsx->out, "<c r=\"");
    if (column >= 26)
        buf_char(xlsx->out, (char)('A' + column / 26 - 1));
    buf_char(xlsx->out, (char)('A' + column % 26));
    buf_format(xlsx->out, "%u\"", xlsx->row + 1);
}

void xlsx_put(struct xlsx *xlsx, struct str text)
{
    uint32_t column = column_next(xlsx);
    if (!text.n)
        return;
    cell_begin(xlsx, column);
    buf_text(xlsx->out, " t=\"inlineStr\"><is><t xml:space=\"preserve\">");
    text_put(xlsx->out, text);
    buf_text(xlsx->out, "</t></is></c>");
}

void xlsx_put_number(struct xlsx *xlsx, int64_t number)
{
    cell_begin(xlsx, column_next(xlsx));
    buf_format(xlsx->out, "><v>%lld</v></c>", (long long)number);
}

void xlsx_row_end(struct xlsx *xlsx)
{
    if (xlsx->row_open)
        buf_text(xlsx->out, "</row>");
    xlsx->row_open = false;
    xlsx->row++;
    xlsx->column = 0;
}

static void workbook_put(struct xlsx *xlsx)
{
    struct buf *out = xlsx->out;
    entry_begin(xlsx, "xl/workbook.xml");
    buf_text(out, XML_HEAD "<workbook xmlns=\"" MAIN_NS "\" xmlns:r=\"" DOC_NS "\"><sheets>");
    for (size_t i = 0; i < xlsx->sheets; i++) {
        buf_text(out, "<sheet name=\"");
        text_put(out, xlsx->name[i]);
        buf_format(out, "\" sheetId=\"%zu\" r:id=\"rId%zu\"/>", i + 1, i + 1);
    }
    buf_text(out, "</sheets></workbook>");
    entry_end(xlsx);
    entry_begin(xlsx, "xl/_rels/workbook.xml.rels");
    buf_text(out, XML_HEAD "<Relationships xmlns=\"" PACK_NS "/relationships\">");
    for (size_t i = 0; i < xlsx->sheets; i++)
        buf_format(out,
                   "<Relationship Id=\"rId%zu\" Type=\"" DOC_NS "/worksheet\" Target=\"worksheets/sheet%zu.xml\"/>",
                   i + 1, i + 1);
    buf_text(out, "</Relationships>");
    entry_end(xlsx);
}

static void package_put(struct xlsx *xlsx)
{
    struct buf *out = xlsx->out;
    entry_begin(xlsx, "_rels/.rels");
    buf_text(out, XML_HEAD "<Relationships xmlns=\"" PACK_NS "/relationships\"><Relationship Id=\"rId1\" Type=\"" DOC_NS
                           "/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>");
    entry_end(xlsx);
    entry_begin(xlsx, "[Content_Types].xml");
    buf_text(out, XML_HEAD
             "<Types xmlns=\"" PACK_NS "/content-types\"><Default Extension=\"rels\" ContentType=\""
             "application/vnd.openxmlformats-package.relationships+xml\"/><Default Extension=\"xml\" ContentType=\""
             "application/xml\"/><Override PartName=\"/xl/workbook.xml\" ContentType=\""
             "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml\"/>");
    for (size_t i = 0; i < xlsx->sheets; i++)
        buf_format(out,
                   "<Override PartName=\"/xl/worksheets/sheet%zu.xml\" ContentType=\""
                   "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml\"/>",
                   i + 1);
    buf_text(out, "</Types>");
    entry_end(xlsx);
}

static void directory_put(struct xlsx *xlsx)
{
    struct buf *out = xlsx->out;
    size_t begin = out->n;
    for (size_t i = 0; i < xlsx->entries; i++) {
        buf_text(out, "PK\x01\x02");
        buf_le16(out, 20);
        buf_le16(out, 20);
        buf_le16(out, 0x0800);
        buf_le16(out, 0);
        buf_le32(out, DOS_TIME);
        buf_le32(out, xlsx->entry[i].crc);
        buf_le32(out, xlsx->entry[i].size);
        buf_le32(out, xlsx->entry[i].size);
        buf_le16(out, (uint16_t)strlen(xlsx->entry[i].name));
        for (int k = 0; k < 4; k++) /* no extra field, no comment, first disk, binary */
            buf_le16(out, 0);
        buf_le32(out, 0);
        buf_le32(out, (uint32_t)xlsx->entry[i].header);
        buf_text(out, xlsx->entry[i].name);
    }
    size_t size = out->n - begin;
    ASSERT(out->overflow || size >= DIRECTORY_N * xlsx->entries);
    buf_text(out, "PK\x05\x06");
    buf_le32(out, 0);
    buf_le16(out, (uint16_t)xlsx->entries);
    buf_le16(out, (uint16_t)xlsx->entries);
    buf_le32(out, (uint32_t)size);
    buf_le32(out, (uint32_t)begin);
    buf_le16(out, 0);
}

void xlsx_end(struct xlsx *xlsx)
{
    ASSERT(xlsx->sheets > 0);
    sheet_end(xlsx);
    workbook_put(xlsx);
    package_put(xlsx);
    directory_put(xlsx);
}
