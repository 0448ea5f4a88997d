/* Any bytes as the question for a document: drawn twice, the same both times, or refused. */
#include "pdf/pdf.h"

#include "base/assert.h"

#include <stdio.h>
#include <string.h>

static struct pdf_fonts *fonts;

static struct str font_read(const char *path, char *bytes, size_t size)
{
    FILE *file = fopen(path, "rb");
    size_t n = file ? fread(bytes, 1, size, file) : 0;
    if (file)
        fclose(file);
    return str_at(bytes, n);
}

static bool fonts_make(void)
{
    static char regular[1u << 20], bold[1u << 20];
    struct err err;
    struct str one = font_read("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", regular, sizeof regular);
    struct str two = font_read("/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf", bold, sizeof bold);
    return fonts || pdf_fonts_new(one, two, &fonts, &err) == RC_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json_value *json = NULL;
    struct pdf_document document;
    struct buf out[2];
    struct err err;
    if (!fonts_make() || size > 65536)
        return 0;
    struct arena *arena = arena_new((size_t)64 << 20);
    if (json_parse(arena, str_at(data, size), 16, &json, NULL) == RC_OK &&
        pdf_read(json, arena, &document, &err) == RC_OK) {
        for (size_t i = 0; i < 2; i++) {
            buf_init(&out[i], (size_t)8 << 20);
            IGNORE(pdf_draw(fonts, &document, arena, &out[i], &err) == RC_OK);
        }
        ASSERT(str_eq(buf_view(&out[0]), buf_view(&out[1])));
        buf_done(&out[0]);
        buf_done(&out[1]);
    }
    arena_free(arena);
    return 0;
}
