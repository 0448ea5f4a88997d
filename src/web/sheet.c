#include "web/sheet.h"

#include "base/bytes.h"
#include "base/civil.h"
#include "codec/qr.h"

#include <string.h>

#define DASH          "\xe2\x80\x94 " /* begins a signature line */
#define COSIGNED_SIZE 76              /* key id, time, Ed25519 signature */
#define LABEL_COLUMN  28
#define QR_ROOM       ((size_t)1 << 20)

enum rc sheet_read(struct str note, int64_t time_ns, struct sheet *ret_sheet, struct err *err)
{
    struct sheet sheet = {.note = note, .time_ns = time_ns};
    struct str rest = note;
    size_t n = 0;
    sheet.origin = str_cut(&rest, '\n');
    if (!str_to_u64(str_cut(&rest, '\n'), &sheet.size) ||
        !base64_decode(str_cut(&rest, '\n'), sheet.root, sizeof sheet.root, &n) || n != sizeof sheet.root ||
        sheet.origin.n == 0)
        return err_set(err, RC_INVALID, "there is no checkpoint yet");
    *ret_sheet = sheet;
    return RC_OK;
}

/* The root as hexadecimal digits in groups of four, eight groups a line: to be read aloud and compared. */
static void root_groups(const uint8_t root[32], struct buf *out)
{
    for (size_t i = 0; i < 16; i++) {
        if (i > 0)
            buf_char(out, i == 8 ? '\n' : ' ');
        buf_hex(out, root + 2 * i, 2);
    }
}

/* The next signature line's name, and its time when it is a cosignature, else 0; false at the end. */
static bool signature_next(struct str *rest, struct str *ret_name, int64_t *ret_time_ns)
{
    uint8_t bytes[COSIGNED_SIZE];
    size_t n = 0;
    while (rest->p && rest->n > 0) {
        struct str line = str_cut(rest, '\n');
        if (!str_starts(line, STR(DASH)))
            continue;
        line = str_skip(line, sizeof DASH - 1);
        *ret_name = str_cut(&line, ' ');
        bool cosigned = base64_decode(line, bytes, sizeof bytes, &n) && n == sizeof bytes;
        *ret_time_ns = cosigned ? (int64_t)MIN(get_be64(bytes + 4), (uint64_t)INT64_MAX / SECOND_NS) * SECOND_NS : 0;
        return true;
    }
    return false;
}

static struct str signatures_of(const struct sheet *sheet)
{
    return str_skip(sheet->note, str_search(sheet->note, STR("\n\n")) + 2);
}

static void moment(const struct html *html, int64_t time_ns, char ret_text[CIVIL_TEXT_MAX])
{
    civil_format(time_ns, html->zone_s, 0, ret_text);
}

/* ---- HTML ---- */

static void style(struct html *html)
{
    HTML(html,
         RAW("<style>@page{size:A4;margin:15mm}body{font:11pt/1.35 serif;color:#000;background:#fff;max-width:180mm;"
             "margin:0 auto}h1{font-size:16pt;margin:0 0 4mm}table{border-collapse:collapse;width:100%}"
             "th{text-align:left;vertical-align:top;font-weight:normal;width:42mm;padding:1mm 4mm 1mm 0}"
             "td{padding:1mm 0;vertical-align:top;overflow-wrap:anywhere}.root{font:13pt/1.5 monospace;"
             "white-space:pre-line}pre{font:7.5pt/1.3 monospace;white-space:pre-wrap;overflow-wrap:anywhere;"
             "border:0.3mm solid #000;padding:2mm;margin:3mm 0}.qr{width:75mm;height:75mm;display:block}"
             ".foot{display:flex;gap:8mm;align-items:flex-start;page-break-inside:avoid}.sign{flex:1}"
             ".sign p{border-bottom:0.3mm solid #000;margin:0 0 7mm;height:8mm;font-size:9pt}"
             ".stamp{border:0.3mm dashed #000;width:40mm;height:40mm;font-size:9pt;padding:2mm}"
             "</style>"));
}

static void signatures_html(struct html *html, const struct sheet *sheet)
{
    struct str rest = signatures_of(sheet);
    struct str name;
    int64_t time_ns = 0;
    bool any = false;
    HTML(html, RAW("<tr><th>"), SAY("sheet.cosignatures"), RAW("</th><td>"));
    while (signature_next(&rest, &name, &time_ns)) {
        char text[CIVIL_TEXT_MAX];
        if (time_ns == 0)
            continue;
        moment(html, time_ns, text);
        HTML(html, ESC(name), RAW(", "), ESCZ(text), RAW("<br>"));
        any = true;
    }
    if (!any)
        HTML(html, SAY("sheet.no_cosignatures"));
    HTML(html, RAW("</td></tr>"));
}

static void foot_html(struct html *html, const struct sheet *sheet)
{
    struct buf svg CLEANUP(buf_done);
    buf_init(&svg, QR_ROOM);
    HTML(html, RAW("<div class=\"foot\"><div>"));
    if (qr_svg(sheet->note, &svg, NULL) == RC_OK)
        buf_str(html->out, buf_view(&svg)); /* made of numbers alone */
    else
        HTML(html, RAW("<p>"), SAY("sheet.no_qr"), RAW("</p>"));
    HTML(html, RAW("</div><div class=\"sign\"><p>"), SAY("sheet.position"), RAW("</p><p>"), SAY("sheet.name"),
         RAW("</p><p>"), SAY("sheet.signature"), RAW("</p><p>"), SAY("sheet.date"), RAW("</p><div class=\"stamp\">"),
         SAY("sheet.stamp"), RAW("</div></div></div>"));
}

void sheet_html(struct html *html, const struct sheet *sheet)
{
    char time[CIVIL_TEXT_MAX] = "";
    char groups[96];
    struct buf root;
    buf_init_fixed(&root, groups, sizeof groups);
    root_groups(sheet->root, &root);
    if (sheet->time_ns)
        moment(html, sheet->time_ns, time);
    HTML(html, RAW("<!DOCTYPE html>\n<html lang=\""), ESCZ(language_code(html->language)),
         RAW("\"><head><meta charset=\"utf-8\"><title>"), SAY("sheet.title"), RAW("</title>"));
    style(html);
    HTML(html, RAW("</head><body><h1>"), SAY("sheet.title"), RAW("</h1><table><tr><th>"), SAY("archive.origin"),
         RAW("</th><td>"), ESC(sheet->origin), RAW("</td></tr><tr><th>"), SAY("archive.records"), RAW("</th><td>"),
         NUMBER((int64_t)MIN(sheet->size, (uint64_t)INT64_MAX)), RAW("</td></tr><tr><th>"), SAY("sheet.time"),
         RAW("</th><td>"), ESCZ(time), RAW("</td></tr><tr><th>"), SAY("sheet.root"), RAW("</th><td class=\"root\">"),
         ESC(buf_view(&root)), RAW("</td></tr>"));
    signatures_html(html, sheet);
    HTML(html, RAW("</table><p>"), SAY("sheet.about"), RAW("</p><pre>"), ESC(sheet->note), RAW("</pre>"));
    foot_html(html, sheet);
    HTML(html, RAW("</body></html>\n"));
}

/* ---- text ---- */

/* Columns are counted in code points: labels are Cyrillic as well. */
static void label(struct html *html, const char *key)
{
    struct str text = html_text(html, str_of(key));
    size_t columns = 0;
    for (size_t i = 0; i < text.n; i++)
        columns += ((unsigned char)text.p[i] & 0xc0) != 0x80;
    buf_str(html->out, text);
    for (; columns < LABEL_COLUMN; columns++)
        buf_char(html->out, ' ');
    buf_char(html->out, ' ');
}

static void signatures_text(struct html *html, const struct sheet *sheet)
{
    struct str rest = signatures_of(sheet);
    struct str name;
    int64_t time_ns = 0;
    bool any = false;
    while (signature_next(&rest, &name, &time_ns)) {
        char text[CIVIL_TEXT_MAX];
        if (time_ns == 0)
            continue;
        moment(html, time_ns, text);
        label(html, "sheet.cosignatures");
        buf_format(html->out, "%.*s, %s\n", STR_ARG(name), text);
        any = true;
    }
    if (!any) {
        label(html, "sheet.cosignatures");
        buf_str(html->out, html_text(html, STR("sheet.no_cosignatures")));
        buf_char(html->out, '\n');
    }
}

void sheet_text(struct html *html, const struct sheet *sheet)
{
    static const char *const lines[] = {"sheet.position", "sheet.name", "sheet.signature", "sheet.date", "sheet.stamp"};
    char time[CIVIL_TEXT_MAX] = "";
    char groups[96];
    struct buf root;
    buf_init_fixed(&root, groups, sizeof groups);
    root_groups(sheet->root, &root);
    if (sheet->time_ns)
        moment(html, sheet->time_ns, time);
    buf_str(html->out, html_text(html, STR("sheet.title")));
    buf_text(html->out, "\n\n");
    label(html, "archive.origin");
    buf_format(html->out, "%.*s\n", STR_ARG(sheet->origin));
    label(html, "archive.records");
    buf_format(html->out, "%llu\n", (unsigned long long)sheet->size);
    label(html, "sheet.time");
    buf_format(html->out, "%s\n", time);
    struct str half = buf_view(&root);
    label(html, "sheet.root");
    buf_format(html->out, "%.*s\n%*s %.*s\n", STR_ARG(str_slice(half, 0, 39)), LABEL_COLUMN, "",
               STR_ARG(str_skip(half, 40)));
    signatures_text(html, sheet);
    buf_char(html->out, '\n');
    buf_str(html->out, html_text(html, STR("sheet.about")));
    buf_format(html->out, "\n\n%.*s\n", STR_ARG(sheet->note));
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        label(html, lines[i]);
        buf_text(html->out, "______________________________\n\n");
    }
}
