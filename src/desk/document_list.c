/* document_list.c - the documents of an object at a glance: which of Annex 3 are missing, in which languages each is,
 * until when it is to be looked through, and what its signatures are worth. */
#include "desk/document_inside.h"

#define LIST_MAX 1000

/* The newest version of each language whose file is kept, and of these: languages, and the newest day of approval. */
#define CURRENT                                                                                                        \
    " FROM document_version v JOIN document_file f ON f.version = v.id AND f.form <> 2 AND f.state = 1"                \
    " WHERE v.document = ?1 AND NOT EXISTS (SELECT 1 FROM document_version n JOIN document_file g"                     \
    " ON g.version = n.id AND g.form <> 2 AND g.state = 1 WHERE n.document = v.document"                               \
    " AND n.language = v.language AND n.number > v.number)"

/* Which languages, in the order of the acts, and those of them that decree 832 p.31 asks for and that are not there. */
static bool languages_put(struct ask *ask, int64_t document)
{
    static const char *const all[] = {"kk", "ru", "en"};
    bool has[ARRAY_LEN(all)] = {false};
    struct db_query q = db_query(ask->desk->db, "SELECT v.language, v.number" CURRENT);
    db_put_i64(&q, document);
    while (db_next(&q)) {
        struct str language = db_text(&q);
        for (size_t i = 0; i < ARRAY_LEN(all); i++)
            has[i] |= str_is(language, all[i]);
    }
    json_write_key(ask->out, "languages");
    json_write_array(ask->out);
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (has[i])
            json_write_text(ask->out, all[i]);
    json_write_array_end(ask->out);
    json_write_key(ask->out, "languages_missing");
    json_write_array(ask->out);
    for (size_t i = 0; i < 2; i++)
        if (!has[i])
            json_write_text(ask->out, all[i]);
    json_write_array_end(ask->out);
    return has[0] || has[1] || has[2];
}

/* What the signatures of the current versions are worth together: bad before unknown before good; one that is not
 * judged yet is "waits". */
static const char *signatures_word(struct ask *ask, int64_t document)
{
    bool bad = false, unknown = false, waits = false, good = false;
    struct db_query q = db_query(ask->desk->db, "SELECT j.judged_ns, j.verdict FROM document_judgement j"
                                                " JOIN document_file s ON s.id = j.file WHERE j.id IN (SELECT max(k.id)"
                                                " FROM document_judgement k JOIN document_file t ON t.id = k.file"
                                                " WHERE t.version IN (SELECT v.id" CURRENT ") GROUP BY k.file)");
    db_put_i64(&q, document);
    while (db_next(&q)) {
        bool judged = db_i64(&q) > 0;
        int64_t verdict = db_i64(&q);
        waits |= !judged;
        bad |= judged && verdict == DOCUMENT_BAD;
        unknown |= judged && verdict == DOCUMENT_UNKNOWN;
        good |= judged && verdict == DOCUMENT_GOOD;
    }
    return bad ? "bad" : waits ? "waits" : unknown ? "unknown" : good ? "good" : "none";
}

static void facts_put(struct ask *ask, int64_t document)
{
    struct db_query q = db_query(ask->desk->db, "SELECT max(v.number), max(v.approved)" CURRENT);
    db_put_i64(&q, document);
    if (db_next(&q)) {
        json_put_int(ask->out, "version", db_i64(&q));
        json_put_str(ask->out, "approved", db_text(&q));
    }
    db_query_end(&q);
    q = db_query(ask->desk->db, "SELECT count(*) FROM document_file f JOIN document_version v ON v.id = f.version"
                                " WHERE v.document = ?1 AND f.state = 0");
    db_put_i64(&q, document);
    json_put_bool(ask->out, "coming", db_one_i64(&q, 0) > 0);
    q = db_query(ask->desk->db, "SELECT state, due_ns FROM clock WHERE subject = ?1 AND item = ?2 AND state IN (0, 2)"
                                " ORDER BY id DESC LIMIT 1");
    db_put_i64(&q, SUBJECT_DOCUMENT);
    db_put_i64(&q, document);
    if (db_next(&q)) {
        json_put_text(ask->out, "review", clock_state_name(db_i64(&q)));
        json_put_int(ask->out, "due_ns", db_i64(&q));
    }
    db_query_end(&q);
    json_put_text(ask->out, "signatures", signatures_word(ask, document));
}

struct listed {
    int64_t id, ended_ns;
    struct str kind, title;
};

static void row_put(struct ask *ask, const struct listed *row, bool have[DOCUMENT_KINDS])
{
    json_write_object(ask->out);
    json_put_int(ask->out, "id", row->id);
    json_put_str(ask->out, "kind", row->kind);
    json_put_str(ask->out, "title", row->title);
    json_put_int(ask->out, "ended_ns", row->ended_ns);
    bool kept = languages_put(ask, row->id);
    facts_put(ask, row->id);
    json_write_object_end(ask->out);
    for (size_t i = 0; i < DOCUMENT_KINDS; i++)
        have[i] |= kept && !row->ended_ns && str_is(row->kind, document_kind_at(i));
}

void ask_document_list(struct ask *ask)
{
    struct listed *rows = arena_alloc(ask->arena, LIST_MAX * sizeof *rows);
    bool have[DOCUMENT_KINDS] = {false};
    size_t count = 0;
    if (!rows) {
        ask_refuse(ask, "too_large", "no memory for the documents of an object");
        return;
    }
    struct db_query q = db_query(ask->desk->db, "SELECT id, ended_ns, kind, title FROM document WHERE object = ?1"
                                                " ORDER BY ended_ns > 0, id LIMIT ?2");
    db_put_i64(&q, ask_int(ask, "object"));
    db_put_i64(&q, LIST_MAX);
    while (count < LIST_MAX && db_next(&q)) {
        struct listed *row = &rows[count++];
        row->id = db_i64(&q);
        row->ended_ns = db_i64(&q);
        row->kind = db_text_copy(&q, ask->arena);
        row->title = db_text_copy(&q, ask->arena);
    }
    db_query_end(&q);
    json_put_bool(ask->out, "may_change", role_rights(ask->role) & RIGHT_OBJECTS);
    json_put_int(ask->out, "bytes", document_bytes(ask->desk));
    json_put_int(ask->out, "bytes_max", ask->desk->documents.bytes_max);
    json_write_key(ask->out, "documents");
    json_write_array(ask->out);
    for (size_t i = 0; i < count; i++)
        row_put(ask, &rows[i], have);
    json_write_array_end(ask->out);
    document_violations_put(ask, ask_int(ask, "object"));
    json_write_key(ask->out, "missing");
    json_write_array(ask->out);
    for (size_t i = 0; i < DOCUMENT_KINDS; i++)
        if (!have[i])
            json_write_text(ask->out, document_kind_at(i));
    json_write_array_end(ask->out);
}
