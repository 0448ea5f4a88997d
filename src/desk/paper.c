/* paper.c - papers that somebody made on the pages: the record of each one's SHA-256, which its seal will prove, with
 * who asked for it. */
#include "base/bytes.h"
#include "desk/inside.h"

#define PAPERS_MAX 32

static bool is_hash(struct str text)
{
    char bytes[TLOG_HASH_SIZE];
    return text.n == (size_t)2 * TLOG_HASH_SIZE && hex_decode(text, bytes, sizeof bytes);
}

/* "paper": certificate or export; "files": objects with "sha256" and "name". */
void ask_paper_record(struct ask *ask)
{
    const struct json_value *files = json_get(ask->question, "files");
    bool export = str_is(ask_str(ask, "paper"), "export");
    size_t count = 0;
    for (const struct json_value *file = json_first(files); file; file = file->next) {
        struct str sha256 = json_str(json_get(file, "sha256"), STR_NONE);
        if (++count > PAPERS_MAX || !is_hash(sha256)) {
            ask_invalid(ask, "files", "files are 32 at most, each with its SHA-256");
            return;
        }
        struct buf *body = desk_record_begin_paper(ask->desk, export ? "paper.export" : "paper.certificate", sha256,
                                                   ask->who, ask->now_ns);
        json_put_str(body, "about", desk_cut(json_str(json_get(file, "name"), STR_NONE), DESK_FIELD_MAX));
        desk_record_end(ask->desk, 0, STR_NONE);
    }
    if (count == 0)
        ask_invalid(ask, "files", "there is no file");
}
