/* drawer.c - draws reports on paper (pdf/pdf.h) for the pages: one question, one file.
 *
 *   web ──MSG_ASK {"ask":"draw", what pdf_read takes}──► drawer ──MSG_ANSWER {"ok":true} LF bytes──► web
 *
 * Libraries that draw letters see texts that strangers wrote. So they are in a process of their own, which has the
 * bytes of two fonts, read before it gave up its rights, and a channel to web: it opens nothing, reaches nobody and
 * keeps nothing from one question to the next. Without fonts it answers so. */
#include "codec/json.h"
#include "os/file.h"
#include "pdf/pdf.h"
#include "role/log.h"
#include "role/roles.h"

#define FONT_REGULAR "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf" /* Debian: fonts-dejavu-core */
#define FONT_BOLD    "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf"
#define FONT_MAX     ((size_t)4 << 20)
#define SCRATCH      ((size_t)128 << 20)
#define MEMORY_MAX   (UINT64_C(2) << 30)

/* One a process. */
static struct {
    struct pdf_fonts *fonts; /* NULL: there are none */
} drawer;

static void refuse(struct channel *channel, uint64_t id, const char *error, const char *text)
{
    char storage[1024];
    struct buf out;
    buf_init_fixed(&out, storage, sizeof storage);
    json_write_object(&out);
    json_put_bool(&out, "ok", false);
    json_put_text(&out, "error", error);
    json_put_text(&out, "text", text);
    json_write_object_end(&out);
    if (!channel_send(channel, MSG_ANSWER, id, buf_view(&out)))
        log_warning("web does not take an answer");
}

static enum rc draw(struct str question, struct arena *arena, struct buf *out, struct err *err)
{
    struct json_value *json = NULL;
    struct pdf_document document;
    struct buf file;
    enum rc rc = json_parse(arena, question, JSON_DEPTH, &json, err);
    rc = rc == RC_OK ? pdf_read(json, arena, &document, err) : rc;
    if (rc != RC_OK)
        return rc;
    buf_init(&file, msg_size_max(MSG_ANSWER) - 64);
    rc = pdf_draw(drawer.fonts, &document, arena, &file, err);
    buf_text(out, "{\"ok\":true}\n");
    buf_str(out, buf_view(&file));
    buf_done(&file);
    return rc;
}

static void drawer_message(void *self, struct channel *channel, struct msg *msg)
{
    struct buf out;
    struct err err = {0};
    (void)self;
    if (msg->type != MSG_ASK)
        return;
    if (!drawer.fonts) {
        refuse(channel, msg->id, "no_fonts", "the fonts are not installed: " FONT_REGULAR);
        return;
    }
    struct arena *arena = arena_new(SCRATCH);
    buf_init(&out, msg_size_max(MSG_ANSWER));
    enum rc rc = arena ? draw(msg->body, arena, &out, &err) : err_set(&err, RC_LIMIT, "no memory");
    if (rc != RC_OK)
        refuse(channel, msg->id, "draw_failed", err.text);
    else if (!channel_send(channel, MSG_ANSWER, msg->id, buf_view(&out)))
        log_warning("web does not take a document");
    buf_done(&out);
    arena_free(arena);
}

/* What fonts cannot be read is said in each answer; the rest of the service needs none. */
static enum rc drawer_start(struct process *process, void **ret_self, struct err *err)
{
    struct str regular, bold;
    *ret_self = &drawer;
    enum rc rc = file_load_path(FONT_REGULAR, FONT_MAX, process->arena, &regular, err);
    rc = rc == RC_OK ? file_load_path(FONT_BOLD, FONT_MAX, process->arena, &bold, err) : rc;
    rc = rc == RC_OK ? pdf_fonts_new(regular, bold, &drawer.fonts, err) : rc;
    if (rc != RC_OK)
        log_warning("reports cannot be drawn: %s", err->text);
    return RC_OK;
}

const struct role_driver drawer_driver = {
    .role = ROLE_DRAWER,
    .memory_max = MEMORY_MAX,
    .files_max = 64,
    .background = true,
    .start = drawer_start,
    .message = drawer_message,
};
