#include "base/macros.h"
#include "pdf/pdf.h"

#define BLOCKS_MAX 256u

static struct str text_of(const struct json_value *object, const char *key)
{
    return str_slice(json_str(json_get(object, key), STR("")), 0, PDF_TEXT_MAX);
}

static const struct pdf_table *table_read(const struct json_value *json, struct arena *arena)
{
    struct pdf_table *table = arena_alloc(arena, sizeof *table);
    if (!table)
        return NULL;
    *table = (struct pdf_table){.title = text_of(json, "table"),
                                .note = text_of(json, "note"),
                                .rows = json_get(json, "rows"),
                                .totals = json_bool(json_get(json, "totals"), false)};
    const struct json_value *number = json_first(json_get(json, "numbers"));
    for (const struct json_value *head = json_first(json_get(json, "heads")); head && table->columns < PDF_COLUMNS_MAX;
         head = head->next, number = number ? number->next : NULL) {
        table->head[table->columns] = str_slice(json_str(head, STR("")), 0, PDF_TEXT_MAX);
        table->number[table->columns++] = json_bool(number, false);
    }
    return table;
}

enum rc pdf_read(const struct json_value *json, struct arena *arena, struct pdf_document *ret_document, struct err *err)
{
    if (!json || json->kind != JSON_OBJECT)
        return err_set(err, RC_INVALID, "a document is one JSON object");
    struct pdf_block *block = arena_alloc_array(arena, BLOCKS_MAX, sizeof *block);
    *ret_document = (struct pdf_document){.title = text_of(json, "title"),
                                          .subject = text_of(json, "subject"),
                                          .author = text_of(json, "author"),
                                          .of = text_of(json, "of"),
                                          .made_s = json_int(json_get(json, "made_s"), 0),
                                          .facts = json_get(json, "facts"),
                                          .block = block,
                                          .signature = text_of(json, "signature")};
    for (const struct json_value *b = json_first(json_get(json, "blocks"));
         b && block && ret_document->block_count < BLOCKS_MAX; b = b->next) {
        struct pdf_block *next = &block[ret_document->block_count++];
        *next = (struct pdf_block){.chapter = text_of(b, "chapter")};
        if (json_get(b, "table")) {
            next->table = table_read(b, arena);
            block = next->table ? block : NULL;
        }
    }
    return block ? RC_OK : err_set(err, RC_LIMIT, "no memory for a document");
}
