#include "pdf/pdf_fonts.h"

#include "base/assert.h"
#include "codec/utf8.h"

#include <cairo-ft.h>

#define ADVANCES 0x3000u /* codes whose widths are kept; the rest is asked for each time */

/* Cairo keeps faces that were used last, for a while after they are given back, and they point into the library: who
 * uses this is counted, and the last one frees it. */
struct pdf_fonts {
    unsigned users; /* the owner, and each face as cairo has it */
    FT_Library library;
    FT_Face face[PDF_FACES];
    cairo_font_face_t *cairo[PDF_FACES];
    float advance[PDF_FACES][ADVANCES]; /* of a size of 1; negative: the font lacks it */
};

static void user_gone(void *context)
{
    struct pdf_fonts *fonts = context;
    ASSERT(fonts->users > 0);
    if (--fonts->users > 0)
        return;
    for (size_t i = 0; i < PDF_FACES; i++)
        if (fonts->face[i])
            IGNORE(FT_Done_Face(fonts->face[i]) == 0);
    if (fonts->library)
        IGNORE(FT_Done_FreeType(fonts->library) == 0);
    memory_free(fonts);
}

static float advance_read(FT_Face face, uint32_t code)
{
    FT_UInt glyph = FT_Get_Char_Index(face, code);
    if (glyph == 0 || FT_Load_Glyph(face, glyph, FT_LOAD_NO_SCALE) != 0)
        return -1;
    return (float)face->glyph->metrics.horiAdvance / (float)face->units_per_EM;
}

static enum rc face_open(struct pdf_fonts *fonts, enum pdf_face face, struct str bytes, struct err *err)
{
    FT_Face *open = &fonts->face[face];
    if (bytes.n == 0 || FT_New_Memory_Face(fonts->library, (const FT_Byte *)bytes.p, (FT_Long)bytes.n, 0, open) != 0 ||
        (*open)->units_per_EM == 0)
        return err_set(err, RC_INVALID, "could not read the font: not a TrueType file");
    for (uint32_t code = 0; code < ADVANCES; code++)
        fonts->advance[face][code] = advance_read(*open, code);
    fonts->cairo[face] = cairo_ft_font_face_create_for_ft_face(*open, FT_LOAD_NO_HINTING);
    static const cairo_user_data_key_t key;
    if (cairo_font_face_set_user_data(fonts->cairo[face], &key, fonts, user_gone) != CAIRO_STATUS_SUCCESS)
        return err_set(err, RC_LIMIT, "no memory for a font");
    fonts->users++;
    return RC_OK;
}

enum rc pdf_fonts_new(struct str regular, struct str bold, struct pdf_fonts **ret_fonts, struct err *err)
{
    struct pdf_fonts *fonts = memory_new(sizeof *fonts);
    if (!fonts)
        return err_set(err, RC_LIMIT, "no memory for fonts");
    fonts->users = 1;
    enum rc rc = FT_Init_FreeType(&fonts->library) == 0 ? RC_OK : err_set(err, RC_LIMIT, "no memory for reading fonts");
    rc = rc == RC_OK ? face_open(fonts, PDF_REGULAR, regular, err) : rc;
    rc = rc == RC_OK ? face_open(fonts, PDF_BOLD, bold, err) : rc;
    if (rc == RC_OK)
        *ret_fonts = fonts;
    else
        pdf_fonts_free(fonts);
    return rc;
}

void pdf_fonts_free(struct pdf_fonts *fonts)
{
    if (!fonts)
        return;
    for (size_t i = 0; i < PDF_FACES; i++)
        if (fonts->cairo[i])
            cairo_font_face_destroy(fonts->cairo[i]);
    user_gone(fonts);
}

cairo_font_face_t *pdf_face_of(const struct pdf_fonts *fonts, enum pdf_face face)
{
    ASSERT(face < PDF_FACES);
    return fonts->cairo[face];
}

static double advance_of(const struct pdf_fonts *fonts, enum pdf_face face, uint32_t code)
{
    float advance = code < ADVANCES ? fonts->advance[face][code] : advance_read(fonts->face[face], code);
    return advance < 0 ? 0 : (double)advance;
}

static bool has(const struct pdf_fonts *fonts, enum pdf_face face, uint32_t code)
{
    return code < ADVANCES ? fonts->advance[face][code] >= 0 : FT_Get_Char_Index(fonts->face[face], code) != 0;
}

double pdf_width(const struct pdf_fonts *fonts, enum pdf_face face, double size, struct str text)
{
    double width = 0;
    for (size_t at = 0; at < text.n;) {
        uint32_t code = 0;
        at += utf8_decode(str_skip(text, at), &code);
        width += advance_of(fonts, face, code) * size;
    }
    return width;
}

double pdf_word_width(const struct pdf_fonts *fonts, enum pdf_face face, double size, struct str text)
{
    double longest = 0, width = 0;
    for (size_t at = 0; at < text.n;) {
        uint32_t code = 0;
        at += utf8_decode(str_skip(text, at), &code);
        width = code == ' ' || code == '\n' ? 0 : width + advance_of(fonts, face, code) * size;
        longest = width > longest ? width : longest;
    }
    return longest;
}

/* Marks that turn the direction of writing must not disguise what stands beside them. */
static bool turns(uint32_t code)
{
    return code == 0x200e || code == 0x200f || (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

struct str pdf_clean(const struct pdf_fonts *fonts, enum pdf_face face, struct str text, struct arena *arena)
{
    text = str_slice(text, 0, PDF_TEXT_MAX);
    char *out = arena_alloc_raw(arena, text.n * 3 + 4); /* U+FFFD is three bytes */
    size_t n = 0;
    for (size_t at = 0; out && at < text.n;) {
        uint32_t code = 0;
        at += utf8_decode(str_skip(text, at), &code);
        if (code != '\n' && (code < 0x20 || (code >= 0x7f && code < 0xa0)))
            code = ' ';
        else if (code != '\n' && (turns(code) || !has(fonts, face, code)))
            code = UTF8_REPLACEMENT;
        n += utf8_encode(code, out + n);
    }
    return out ? str_at(out, n) : STR("");
}

struct str pdf_line(const struct pdf_fonts *fonts, enum pdf_face face, double size, double width, struct str *rest)
{
    struct str text = *rest;
    size_t at = 0, blank = 0; /* blank: past the last one that fits */
    double used = 0;
    while (at < text.n && text.p[at] != '\n') {
        uint32_t code = 0;
        size_t n = utf8_decode(str_skip(text, at), &code);
        used += advance_of(fonts, face, code) * size;
        if (used > width && at > 0 && code != ' ')
            break;
        at += n;
        blank = code == ' ' ? at : blank;
    }
    bool whole = at == text.n || text.p[at] == '\n';
    size_t end = whole || blank == 0 ? at : blank;
    *rest = str_skip(text, whole && at < text.n ? end + 1 : end); /* the line feed goes, too */
    return str_trim(str_slice(text, 0, end));
}
