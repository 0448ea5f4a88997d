/* sheet.c - `qorgan sheet`: the checkpoint of a day for paper. */
#include "web/sheet.h"

#include "archive/retained.h"
#include "base/civil.h"
#include "cmd/archive_open.h"
#include "cmd/cmd.h"
#include "cmd/data.h"
#include "cmd/options.h"
#include "codec/json.h"
#include "os/clock.h"
#include "os/file.h"
#include "role/parent.h"

#include <stdio.h>

#define TEXTS_FILE_MAX ((size_t)4 << 20)
#define SHEET_MAX      ((size_t)4 << 20)

struct making {
    struct options options;
    struct arena *arena;
    struct texts *texts;
    struct buf out;
    struct html html;
    struct sheet sheet;
};

static enum rc texts_take(struct making *m, struct err *err)
{
    char storage[4096];
    struct buf path;
    struct str tsv;
    buf_init_fixed(&path, storage, sizeof storage);
    m->texts = texts_new(1);
    if (!m->texts)
        return err_set(err, RC_LIMIT, "no memory");
    enum rc rc = data_folder(&path, err);
    buf_text(&path, "/i18n/web.tsv");
    rc = rc == RC_OK ? file_load_path(buf_z(&path), TEXTS_FILE_MAX, m->arena, &tsv, err) : rc;
    return rc == RC_OK ? texts_add(m->texts, "web.tsv", tsv, err) : rc;
}

/* The zone that the service shows times in: its configuration, when it can be read. */
static enum rc zone_take(struct making *m, struct err *err)
{
    struct config config;
    enum rc rc = config_load(options_text(&m->options, "data"), m->arena, &config, err);
    m->html.zone_s = (int32_t)config.zone_offset_s;
    return rc;
}

/* The day that is asked for, in the zone, [from, before); without one, all time. */
struct day {
    const char *date; /* NULL: none */
    int64_t from_ns;
    int64_t before_ns;
};

static enum rc day_take(const struct making *m, struct day *ret_day, struct err *err)
{
    struct civil day = {0};
    const char *date = options_text(&m->options, "date");
    struct str rest = str_of(date ? date : "");
    uint64_t parts[3] = {0};
    *ret_day = (struct day){.date = date, .from_ns = INT64_MIN, .before_ns = INT64_MAX};
    if (!date)
        return RC_OK;
    bool good = rest.n == 10;
    for (size_t i = 0; i < ARRAY_LEN(parts) && good; i++)
        good = str_to_u64(str_cut(&rest, '-'), &parts[i]) && parts[i] <= 9999;
    day.year = (int32_t)parts[0];
    day.month = (int32_t)parts[1];
    day.day = (int32_t)parts[2];
    if (!good || rest.n || !civil_valid(&day))
        return err_set(err, RC_INVALID, "\"%s\" is not a day, such as 2026-11-20", date);
    ret_day->from_ns = civil_to_ns(&day, m->html.zone_s);
    if (ret_day->from_ns > m->html.now_ns)
        return err_set(err, RC_INVALID, "%s has not begun yet", date);
    ret_day->before_ns = ret_day->from_ns + DAY_S * SECOND_NS;
    return RC_OK;
}

static const char *date_of(const struct making *m, int64_t time_ns, char room[CIVIL_TEXT_MAX])
{
    civil_format(time_ns, m->html.zone_s, 0, room);
    room[10] = '\0';
    return room;
}

/* No checkpoint is of the day: why. */
static enum rc none_of_day(const struct making *m, struct archive_reader *reader, const struct day *day,
                           struct err *err)
{
    char text[CIVIL_TEXT_MAX];
    struct archive_hit hit;
    enum rc rc = archive_reader_size(reader)
                     ? archive_reader_record(reader, archive_reader_first(reader), m->arena, &hit, err)
                     : RC_NOT_FOUND;
    if (rc == RC_OK && hit.leaf.received_ns >= day->before_ns)
        return err_set(err, RC_NOT_FOUND, "the archive's first record is of %s: there is no checkpoint of %s",
                       date_of(m, hit.leaf.received_ns, text), day->date);
    return err_set(err, RC_NOT_FOUND, "no checkpoint of %s is kept", day->date);
}

/* The last one of the day, never one of a day before it. */
static enum rc note_take(struct making *m, const struct day *day, struct err *err)
{
    struct reading reading;
    struct archive_retained kept = {0};
    char text[CIVIL_TEXT_MAX];
    enum rc rc = reading_open(&reading, options_text(&m->options, "data"), false, err);
    if (rc == RC_OK) {
        rc = archive_retained_before(reading.reader, day->before_ns, m->arena, &kept, err);
        if (rc == RC_NOT_FOUND && day->date)
            rc = none_of_day(m, reading.reader, day, err);
    }
    if (rc == RC_OK && kept.time_ns < day->from_ns)
        rc = err_set(err, RC_NOT_FOUND, "no checkpoint of %s is kept; the newest before it is of %s", day->date,
                     date_of(m, kept.time_ns, text));
    reading_close(&reading);
    return rc == RC_OK ? sheet_read(kept.note, kept.time_ns, &m->sheet, err) : rc;
}

static void write_json(struct making *m)
{
    json_write_object(&m->out);
    json_put_str(&m->out, "origin", m->sheet.origin);
    json_put_u64(&m->out, "size", m->sheet.size);
    json_put_int(&m->out, "time_ns", m->sheet.time_ns);
    json_put_str(&m->out, "checkpoint", m->sheet.note);
    json_write_object_end(&m->out);
    buf_char(&m->out, '\n');
}

static enum rc print(const struct making *m, struct err *err)
{
    const char *path = options_text(&m->options, "out");
    struct str bytes = buf_view(&m->out);
    if (m->out.overflow)
        return err_set(err, RC_LIMIT, "no memory for the sheet");
    if (path)
        return file_write_path(path, bytes, err);
    bool good = fwrite(bytes.p, 1, bytes.n, stdout) == bytes.n && fflush(stdout) == 0;
    return good ? RC_OK : err_set(err, RC_IO, "could not write to standard output");
}

static enum rc make(struct making *m, struct err *err)
{
    struct day day;
    m->arena = arena_new((size_t)32 << 20);
    buf_init(&m->out, SHEET_MAX);
    m->html.out = &m->out;
    m->html.now_ns = clock_real_ns();
    enum rc rc = m->arena ? texts_take(m, err) : err_set(err, RC_LIMIT, "no memory");
    m->html.texts = m->texts;
    rc = rc == RC_OK ? zone_take(m, err) : rc;
    rc = rc == RC_OK ? day_take(m, &day, err) : rc;
    rc = rc == RC_OK ? note_take(m, &day, err) : rc;
    if (rc != RC_OK)
        return rc;
    if (options_flag(&m->options, "json"))
        write_json(m);
    else if (options_flag(&m->options, "text"))
        sheet_text(&m->html, &m->sheet);
    else
        sheet_html(&m->html, &m->sheet);
    return print(m, err);
}

int cmd_sheet(int argc, char **argv)
{
    static struct making m;
    struct err err = {0};
    int status = options_parse("sheet", argc, argv, &m.options);
    if (status != OPTIONS_GO)
        return status;
    struct str code = str_of(options_text(&m.options, "lang"));
    m.html.language = language_of(code, LANGUAGE_COUNT);
    if (m.html.language == LANGUAGE_COUNT)
        return cmd_usage("sheet", "\"%.*s\" is none of kk, ru, en", STR_ARG(code));
    enum rc rc = make(&m, &err);
    texts_free(m.texts);
    arena_free(m.arena);
    buf_done(&m.out);
    if (rc == RC_INVALID)
        return cmd_usage("sheet", "%s", err.text);
    return rc == RC_OK ? CMD_OK : cmd_fail("sheet", &err);
}
