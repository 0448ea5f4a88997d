/* pdf_fonts.h - how wide letters are, and lines broken by it. Inside the room. */
#ifndef PDF_PDF_FONTS_H
#define PDF_PDF_FONTS_H

#include "pdf/pdf.h"

#include <cairo.h>

enum pdf_face { PDF_REGULAR, PDF_BOLD, PDF_FACES };

cairo_font_face_t *pdf_face_of(const struct pdf_fonts *fonts, enum pdf_face face);
/* Of a text in points at that size. */
double pdf_width(const struct pdf_fonts *fonts, enum pdf_face face, double size, struct str text);
/* Of its longest word. */
double pdf_word_width(const struct pdf_fonts *fonts, enum pdf_face face, double size, struct str text);
/* The text as it is set: valid, of letters that the font has, blanks for controls but line feeds. */
struct str pdf_clean(const struct pdf_fonts *fonts, enum pdf_face face, struct str text, struct arena *arena);
/* Takes from the front of a clean text what fits into that width: up to a blank, or in the middle of a word that is
 * wider alone. At least one letter. */
struct str pdf_line(const struct pdf_fonts *fonts, enum pdf_face face, double size, double width, struct str *rest);

#endif
