#include "agent/time_source.h"

#include "base/arena.h"
#include "codec/json.h"
#include "os/file.h"

#include <string.h>

static const struct {
    const char *daemon;
    const char *path;
    enum time_form form;
} files[] = {
    {"chrony", "/etc/chrony/chrony.conf", TIME_NTP_LINES},      {"chrony", "/etc/chrony.conf", TIME_NTP_LINES},
    {"ntpd", "/etc/ntpsec/ntp.conf", TIME_NTP_LINES},           {"ntpd", "/etc/ntp.conf", TIME_NTP_LINES},
    {"timesyncd", "/etc/systemd/timesyncd.conf", TIME_SYSTEMD},
};

const char *const time_source_paths[] = {
    "/etc/chrony", "/etc/chrony.conf", "/etc/ntpsec", "/etc/ntp.conf", "/etc/systemd/timesyncd.conf", NULL};

/* ---- texts ---- */

static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!char_is_alnum(name.p[i]) && !memchr(".-_:", name.p[i], 4))
            return false;
    return name.n > 0 && name.n <= TIME_NAME_MAX;
}

static void server_add(struct time_source *source, struct str name)
{
    if (!is_name(name) || source->count == TIME_SERVERS_MAX)
        return;
    for (size_t i = 0; i < source->count; i++)
        if (str_is(name, source->server[i]))
            return;
    source->count += str_copy_z(name, source->server[source->count], sizeof source->server[0]);
}

/* The next word of a line; empty at its end. */
static struct str word_next(struct str *line)
{
    size_t from = 0;
    while (from < line->n && (line->p[from] == ' ' || line->p[from] == '\t'))
        from++;
    size_t to = from;
    while (to < line->n && line->p[to] != ' ' && line->p[to] != '\t')
        to++;
    struct str word = str_slice(*line, from, to);
    *line = str_skip(*line, to);
    return word;
}

static void ntp_line(struct str line, struct time_source *source)
{
    struct str word = word_next(&line);
    if (str_is(word, "server") || str_is(word, "pool") || str_is(word, "peer"))
        server_add(source, word_next(&line));
}

static void systemd_line(struct str line, struct time_source *source)
{
    struct str name = str_trim(str_cut(&line, '='));
    if (!str_is(name, "NTP") && !str_is(name, "FallbackNTP"))
        return;
    for (struct str word = word_next(&line); word.n; word = word_next(&line))
        server_add(source, word);
}

void time_source_read(struct str text, enum time_form form, struct time_source *source)
{
    while (text.n) {
        struct str line = str_trim_end(str_cut(&text, '\n'), '\r');
        if (form == TIME_SYSTEMD)
            systemd_line(line, source);
        else
            ntp_line(line, source);
    }
}

void time_source_look(struct time_source *ret_source)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(2 * TIME_FILE_MAX);
    *ret_source = (struct time_source){.daemon = ""};
    for (size_t i = 0; i < ARRAY_LEN(files) && arena && !ret_source->count; i++) {
        struct str text;
        struct err err;
        arena_reset(arena);
        if (file_load_path(files[i].path, TIME_FILE_MAX, arena, &text, &err) == RC_OK)
            time_source_read(text, files[i].form, ret_source);
        if (ret_source->count)
            ret_source->daemon = files[i].daemon;
    }
}

/* ---- the clock ---- */

bool time_watch_is_due(const struct time_watch *watch, uint64_t now_boot_ns)
{
    return !watch->looked_ns || now_boot_ns - watch->looked_ns >= TIME_LOOK_NS;
}

enum time_event time_watch_take(struct time_watch *watch, struct clock_sync sync, uint64_t now_boot_ns)
{
    bool follows = sync.synced && sync.max_error_us < TIME_ERROR_US;
    watch->looked_ns = now_boot_ns ? now_boot_ns : 1;
    watch->sync = sync;
    if (!sync.known)
        return TIME_NOTHING;
    if (follows) {
        bool told = watch->told;
        watch->lost_ns = 0;
        watch->told = false;
        return told ? TIME_BACK : TIME_NOTHING;
    }
    watch->lost_ns = watch->lost_ns ? watch->lost_ns : watch->looked_ns;
    if (watch->told || now_boot_ns - watch->lost_ns < TIME_LOST_NS)
        return TIME_NOTHING;
    watch->told = true;
    return TIME_LOST;
}

void time_watch_put(const struct time_watch *watch, uint64_t now_boot_ns, struct buf *json)
{
    char storage[TIME_SERVERS_MAX * (TIME_NAME_MAX + 1)];
    struct buf servers;
    if (!watch->looked_ns || !watch->sync.known)
        return;
    buf_init_fixed(&servers, storage, sizeof storage);
    for (size_t i = 0; i < watch->source.count; i++)
        buf_format(&servers, "%s%s", i ? " " : "", watch->source.server[i]);
    json_write_key(json, "time");
    json_write_object(json);
    json_put_bool(json, "synced", watch->lost_ns == 0);
    json_put_u64(json, "lost_s", watch->lost_ns ? (now_boot_ns - watch->lost_ns) / UINT64_C(1000000000) : 0);
    json_put_u64(json, "error_us", watch->sync.max_error_us);
    json_put_text(json, "daemon", watch->source.daemon);
    json_put_str(json, "servers", buf_view(&servers));
    json_write_object_end(json);
}
