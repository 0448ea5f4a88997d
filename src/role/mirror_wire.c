#include "role/mirror_wire.h"

#include "base/bytes.h"
#include "codec/json.h"
#include "tlog/timestamp.h"

#define DEPTH          8
#define SIZE_MAX_BYTES (UINT64_C(1) << 46) /* of a segment's file */
#define FILE_BYTES_MAX (INT64_C(1) << 40)  /* of a log file */

static enum rc odd(struct err *err, const char *what)
{
    return err_set(err, RC_INVALID, "the server's answer is not understood: %s", what);
}

static enum rc object_read(struct str text, struct arena *arena, struct json_value **ret_object, struct err *err)
{
    struct err why;
    if (json_parse(arena, text, DEPTH, ret_object, &why) != RC_OK || (*ret_object)->kind != JSON_OBJECT ||
        !json_bool(json_get(*ret_object, "ok"), false))
        return odd(err, "no object that says ok");
    return RC_OK;
}

static bool number_read(const struct json_value *object, const char *name, uint64_t *ret_number)
{
    int64_t number = json_int(json_get(object, name), -1);
    *ret_number = (uint64_t)number;
    return number >= 0 && (uint64_t)number <= TLOG_SIZE_MAX;
}

static bool hash_read(const struct json_value *value, struct tlog_hash *ret_hash)
{
    size_t n = 0;
    struct str text = json_str(value, STR(""));
    return text.n == 44 && base64_decode(text, ret_hash->bytes, sizeof ret_hash->bytes, &n) && n == TLOG_HASH_SIZE;
}

void wire_refusal_read(struct str answer, struct arena *arena, struct wire_refusal *ret_refusal)
{
    struct json_value *object = NULL;
    struct err why;
    *ret_refusal = (struct wire_refusal){.key = STR_INIT(""), .text = STR_INIT("")};
    if (json_parse(arena, answer, DEPTH, &object, &why) != RC_OK)
        return;
    ret_refusal->key = json_str(json_get(object, "error"), STR(""));
    ret_refusal->text = json_str(json_get(object, "text"), STR(""));
    ret_refusal->retry_ms = MIN(MAX(json_int(json_get(object, "retry_ms"), 0), 0), 60000);
}

enum rc wire_report_read(struct str answer, struct arena *arena, uint64_t *ret_cosign, struct err *err)
{
    struct json_value *object = NULL;
    enum rc rc = object_read(answer, arena, &object, err);
    *ret_cosign = 0;
    if (rc != RC_OK || !json_get(object, "cosign"))
        return rc;
    return number_read(object, "cosign", ret_cosign) ? RC_OK : odd(err, "a size to cosign that is none");
}

enum rc wire_checkpoint_read(struct str answer, struct arena *arena, struct wire_checkpoint *ret_checkpoint,
                             struct err *err)
{
    struct json_value *object = NULL;
    enum rc rc = object_read(answer, arena, &object, err);
    if (rc != RC_OK)
        return rc;
    *ret_checkpoint = (struct wire_checkpoint){
        .instance = json_str(json_get(object, "instance"), STR_NONE),
        .note = json_str(json_get(object, "note"), STR_NONE),
        .cosigned = json_str(json_get(object, "cosigned"), STR_NONE),
        .log_file_bytes = json_int(json_get(object, "log_file_bytes"), 0),
    };
    if (!ret_checkpoint->instance.n || ret_checkpoint->log_file_bytes <= 0 ||
        ret_checkpoint->log_file_bytes > FILE_BYTES_MAX)
        return odd(err, "a checkpoint without its archive");
    return RC_OK;
}

static bool hashes_read(const struct json_value *list, struct tlog_path *ret_path)
{
    ret_path->count = 0;
    for (const struct json_value *v = json_first(list); v; v = v->next)
        if (ret_path->count == TLOG_HEIGHT_MAX || !hash_read(v, &ret_path->hash[ret_path->count++]))
            return false;
    return true;
}

enum rc wire_path_read(struct str answer, struct arena *arena, struct tlog_path *ret_path, struct err *err)
{
    struct json_value *object = NULL;
    enum rc rc = object_read(answer, arena, &object, err);
    ret_path->count = 0;
    if (rc != RC_OK)
        return rc;
    return hashes_read(json_get(object, "hashes"), ret_path) ? RC_OK : odd(err, "a proof that is none");
}

static bool row_read(const struct json_value *value, uint64_t end, struct mirror_row *ret_row)
{
    return number_read(value, "first", &ret_row->first) && number_read(value, "end", &ret_row->end) &&
           number_read(value, "size", &ret_row->size) && hash_read(json_get(value, "footer"), &ret_row->footer) &&
           (!json_get(value, "record") || number_read(value, "record", &ret_row->record)) && ret_row->first >= end &&
           ret_row->end > ret_row->first && ret_row->size > 0 && ret_row->size <= SIZE_MAX_BYTES;
}

static enum rc rows_read(struct str answer, const char *name, struct arena *arena, struct wire_rows *ret_rows,
                         struct err *err)
{
    struct json_value *object = NULL;
    enum rc rc = object_read(answer, arena, &object, err);
    *ret_rows = (struct wire_rows){0};
    if (rc != RC_OK)
        return rc;
    const struct json_value *list = json_get(object, name);
    ret_rows->more = json_bool(json_get(object, "more"), false);
    if (!list || list->kind != JSON_ARRAY || list->count > WIRE_ROWS_MAX || (ret_rows->more && !list->count))
        return odd(err, "a list of segments that is none");
    ret_rows->rows = arena_alloc_array(arena, MAX(list->count, 1u), sizeof *ret_rows->rows);
    if (!ret_rows->rows)
        return err_set(err, RC_LIMIT, "no memory for the list of segments");
    uint64_t end = 0;
    for (const struct json_value *v = json_first(list); v; v = v->next) {
        struct mirror_row *row = &ret_rows->rows[ret_rows->count++];
        if (!row_read(v, end, row))
            return odd(err, "a segment that cannot be");
        end = row->end;
    }
    return RC_OK;
}

enum rc wire_rows_read(struct str answer, struct arena *arena, struct wire_rows *ret_rows, struct err *err)
{
    return rows_read(answer, "segments", arena, ret_rows, err);
}

enum rc wire_tombstones_read(struct str answer, struct arena *arena, struct wire_rows *ret_rows, struct err *err)
{
    enum rc rc = rows_read(answer, "tombstones", arena, ret_rows, err);
    for (size_t i = 0; rc == RC_OK && i < ret_rows->count; i++)
        if (ret_rows->rows[i].record < ret_rows->rows[i].end || ret_rows->rows[i].size > MIRROR_STONE_MAX)
            rc = odd(err, "a tombstone that cannot be");
    return rc;
}

/* The object's line and what stands behind it. */
static enum rc bytes_read(struct str answer, struct arena *arena, struct json_value **ret_object, struct str *ret_bytes,
                          struct err *err)
{
    struct str rest = answer;
    struct str line = str_cut(&rest, '\n');
    if (!rest.p)
        return odd(err, "no bytes behind the object");
    *ret_bytes = rest;
    return object_read(line, arena, ret_object, err);
}

enum rc wire_part_read(struct str answer, struct arena *arena, struct str *ret_bytes, struct err *err)
{
    struct json_value *object = NULL;
    return bytes_read(answer, arena, &object, ret_bytes, err);
}

enum rc wire_retention_read(struct str answer, struct arena *arena, struct tlog_path *ret_path, struct str *ret_record,
                            struct err *err)
{
    struct json_value *object = NULL;
    enum rc rc = bytes_read(answer, arena, &object, ret_record, err);
    ret_path->count = 0;
    if (rc != RC_OK)
        return rc;
    return hashes_read(json_get(object, "hashes"), ret_path) ? RC_OK : odd(err, "a proof that is none");
}

enum rc wire_log_read(struct str answer, struct arena *arena, struct mirror_log *ret_log, struct str *ret_records,
                      struct err *err)
{
    struct json_value *object = NULL;
    uint64_t count = 0;
    enum rc rc = bytes_read(answer, arena, &object, ret_records, err);
    if (rc != RC_OK)
        return rc;
    if (!number_read(object, "first", &ret_log->first) || !number_read(object, "count", &count) ||
        !number_read(object, "file_first", &ret_log->file_first) || count > UINT32_MAX ||
        ret_log->file_first > ret_log->first)
        return odd(err, "records without their numbers");
    ret_log->count = (uint32_t)count;
    ret_log->file_bytes = MIN(MAX(json_int(json_get(object, "file_bytes"), 0), 0), FILE_BYTES_MAX);
    return RC_OK;
}

enum rc wire_notes_read(struct str answer, struct arena *arena, struct wire_notes *ret_notes, struct err *err)
{
    struct json_value *object = NULL;
    enum rc rc = object_read(answer, arena, &object, err);
    *ret_notes = (struct wire_notes){0};
    if (rc != RC_OK)
        return rc;
    const struct json_value *list = json_get(object, "notes");
    ret_notes->more = json_bool(json_get(object, "more"), false);
    if (!list || list->kind != JSON_ARRAY || list->count > WIRE_NOTES_MAX || (ret_notes->more && !list->count))
        return odd(err, "a list of checkpoints that is none");
    ret_notes->notes = arena_alloc_array(arena, MAX(list->count, 1u), sizeof *ret_notes->notes);
    if (!ret_notes->notes)
        return err_set(err, RC_LIMIT, "no memory for the list of checkpoints");
    for (const struct json_value *v = json_first(list); v; v = v->next) {
        struct wire_note *note = &ret_notes->notes[ret_notes->count++];
        const struct json_value *path = json_get(v, "path");
        *note = (struct wire_note){.note = json_str(json_get(v, "note"), STR(""))};
        if (!path)
            continue;
        note->path = arena_alloc(arena, sizeof *note->path);
        if (!note->path)
            return err_set(err, RC_LIMIT, "no memory for the list of checkpoints");
        if (!hashes_read(path, note->path))
            return odd(err, "a checkpoint's path that is none");
    }
    return RC_OK;
}

static bool stamp_read(const struct json_value *value, struct arena *arena, struct wire_stamp *ret_stamp)
{
    struct str text = json_str(json_get(value, "stamp"), STR(""));
    char *bytes = arena_alloc_raw(arena, TIMESTAMP_RESPONSE_MAX);
    size_t n = 0;
    if (!bytes || !number_read(value, "size", &ret_stamp->size) ||
        !base64_decode(text, bytes, TIMESTAMP_RESPONSE_MAX, &n) || !n)
        return false;
    ret_stamp->response = str_at(bytes, n);
    return true;
}

enum rc wire_stamps_read(struct str answer, struct arena *arena, struct wire_stamps *ret_stamps, struct err *err)
{
    struct json_value *object = NULL;
    enum rc rc = object_read(answer, arena, &object, err);
    *ret_stamps = (struct wire_stamps){0};
    if (rc != RC_OK)
        return rc;
    const struct json_value *list = json_get(object, "stamps");
    ret_stamps->more = json_bool(json_get(object, "more"), false);
    if (!list || list->kind != JSON_ARRAY || list->count > WIRE_NOTES_MAX || (ret_stamps->more && !list->count))
        return odd(err, "a list of time stamps that is none");
    ret_stamps->stamps = arena_alloc_array(arena, MAX(list->count, 1u), sizeof *ret_stamps->stamps);
    if (!ret_stamps->stamps)
        return err_set(err, RC_LIMIT, "no memory for the list of time stamps");
    uint64_t above = 0;
    for (const struct json_value *v = json_first(list); v; v = v->next) {
        struct wire_stamp *stamp = &ret_stamps->stamps[ret_stamps->count++];
        if (!stamp_read(v, arena, stamp) || stamp->size <= above)
            return odd(err, "a time stamp that cannot be");
        above = stamp->size;
    }
    return RC_OK;
}
