#include "agent/journal.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "codec/json.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#define FIELDS_MAX 256

struct journal {
    sd_journal *journal;
    char id[64]; /* sequence-number id, hex */
    struct buf json;
    size_t resident; /* bytes of objects since windows were given back */
};

/* ---- windows ---- */

static int mappings = -1; /* one list a process */

void journal_prepare(void)
{
    if (mappings < 0)
        mappings = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
}

/* "55d0c8a0-55d0c8c0 r--s 00000000 fd:01 1234    /var/log/journal/.../system.journal": proc_pid_maps(5). Only shared
 * mappings that are not written to: what is let go of is read again from the file. */
static void window_release(struct str line)
{
    uint64_t from = 0, to = 0;
    struct str range = str_cut(&line, ' ');
    struct str first = str_cut(&range, '-');
    if (!str_starts(line, STR("r--s ")) || str_search(line, STR(".journal")) == line.n ||
        !str_hex_to_u64(first, &from) || !str_hex_to_u64(range, &to) || to <= from)
        return;
    void *window;
    uintptr_t address = (uintptr_t)from;
    memcpy(&window, &address, sizeof window);
    IGNORE(madvise(window, (size_t)(to - from), MADV_DONTNEED) != 0); /* then it stays */
}

static void windows_release(struct journal *journal)
{
    char bytes[8192];
    size_t kept = 0;
    ssize_t got;
    journal->resident = 0;
    if (mappings < 0 || lseek(mappings, 0, SEEK_SET) != 0)
        return;
    while ((got = read(mappings, bytes + kept, sizeof bytes - kept)) > 0) {
        struct str rest = str_at(bytes, kept + (size_t)got);
        for (size_t end; (end = str_find(rest, '\n')) < rest.n; rest = str_skip(rest, end + 1))
            window_release(str_slice(rest, 0, end));
        kept = rest.n < sizeof bytes ? rest.n : 0; /* a line that long is none of ours */
        memmove(bytes, rest.p, kept);
    }
}

/* ---- life ---- */

enum rc journal_open(const char *folder, struct journal **ret_journal, struct err *err)
{
    struct journal *journal = memory_new(sizeof *journal);
    if (!journal)
        return err_set(err, RC_LIMIT, "no memory");
    int result = folder ? sd_journal_open_directory(&journal->journal, folder, 0)
                        : sd_journal_open(&journal->journal, SD_JOURNAL_LOCAL_ONLY);
    if (result < 0) {
        memory_free(journal);
        return err_errno(err, -result, "could not open the journal");
    }
    IGNORE(sd_journal_set_data_threshold(journal->journal, 0) < 0); /* then long fields are cut at 64 KiB */
    buf_init(&journal->json, JOURNAL_ENTRY_MAX);
    if (sd_journal_seek_head(journal->journal) < 0 || sd_journal_next(journal->journal) <= 0) {
        journal_close(journal);
        return err_set(err, RC_NOT_FOUND, "the journal has no entries");
    }
    *ret_journal = journal;
    return RC_OK;
}

void journal_close(struct journal *journal)
{
    if (!journal)
        return;
    sd_journal_close(journal->journal);
    buf_done(&journal->json);
    memory_free(journal);
}

int journal_fd(const struct journal *journal)
{
    return sd_journal_get_fd(journal->journal);
}

/* A cursor is "s=<id>;i=<number, hex>;b=...": systemd.journal-fields(7), sd_journal_get_cursor(3). */
static bool cursor_read(sd_journal *journal, char ret_id[64], uint64_t *ret_sequence)
{
    char *cursor = NULL;
    if (sd_journal_get_cursor(journal, &cursor) < 0)
        return false;
    struct str rest = str_of(cursor);
    struct str id = STR_NONE;
    bool found = false;
    while (rest.p) {
        struct str part = str_cut(&rest, ';');
        if (str_starts(part, STR("s=")))
            id = str_skip(part, 2);
        if (str_starts(part, STR("i=")))
            found = str_hex_to_u64(str_skip(part, 2), ret_sequence);
    }
    found = found && id.n && str_copy_z(id, ret_id, 64);
    memory_free(cursor); /* libsystemd's own allocation */
    return found;
}

static uint64_t epoch_of(const char *id)
{
    static const uint64_t key[2] = {UINT64_C(0x716f7267616e206a), UINT64_C(0x6f75726e616c2065)};
    return siphash(key, id, strlen(id)) | 1;
}

enum rc journal_first(struct journal *journal, uint64_t *ret_epoch, struct err *err)
{
    uint64_t sequence = 0;
    int result = sd_journal_seek_head(journal->journal);
    if (result >= 0)
        result = sd_journal_next(journal->journal);
    if (result < 0)
        return err_errno(err, -result, "could not read the journal");
    if (result == 0)
        return RC_END;
    if (!cursor_read(journal->journal, journal->id, &sequence))
        return err_set(err, RC_INVALID, "a journal cursor does not read");
    *ret_epoch = epoch_of(journal->id);
    return RC_OK;
}

enum rc journal_seek(struct journal *journal, uint64_t sequence, struct err *err)
{
    char cursor[128];
    struct buf text;
    buf_init_fixed(&text, cursor, sizeof cursor);
    buf_format(&text, "s=%s;i=%llx", journal->id, (unsigned long long)sequence);
    int result =
        sequence ? sd_journal_seek_cursor(journal->journal, buf_z(&text)) : sd_journal_seek_head(journal->journal);
    if (result < 0)
        return err_errno(err, -result, "could not go to entry %llu of the journal", (unsigned long long)sequence);
    /* The entry itself, or the next one when it was vacuumed away: journal_next passes over what is known. */
    return RC_OK;
}

static bool binary(struct str value)
{
    return str_find(value, '\0') != value.n;
}

static void entry_write(struct journal *journal)
{
    struct buf *out = &journal->json;
    const void *data = NULL;
    size_t size = 0;
    unsigned fields = 0;
    unsigned left_out = 0;
    buf_clear(out);
    json_write_object(out);
    sd_journal_restart_data(journal->journal);
    while (sd_journal_enumerate_available_data(journal->journal, &data, &size) > 0) {
        struct str value = str_at(data, size);
        struct str name = str_cut(&value, '=');
        if (++fields > FIELDS_MAX || out->n + 6 * value.n + name.n + 64 > JOURNAL_ENTRY_MAX || binary(value)) {
            left_out++;
            continue;
        }
        json_write_key_slice(out, name);
        json_write_str(out, value);
    }
    if (left_out)
        json_put_u64(out, "QORGAN_FIELDS_LEFT_OUT", left_out);
    json_write_object_end(out);
}

enum rc journal_next(struct journal *journal, struct journal_entry *ret_entry, struct err *err)
{
    /* Clears the descriptor; what changed is seen by the next call. */
    IGNORE(sd_journal_process(journal->journal) < 0);
    int result = sd_journal_next(journal->journal);
    if (result < 0)
        return err_errno(err, -result, "could not read the journal");
    if (journal->resident > (result > 0 ? JOURNAL_RESIDENT : 0))
        windows_release(journal);
    if (result == 0)
        return RC_END;
    uint64_t time_us = 0;
    if (!cursor_read(journal->journal, journal->id, &ret_entry->sequence))
        return err_set(err, RC_INVALID, "a journal cursor does not read");
    if (sd_journal_get_realtime_usec(journal->journal, &time_us) < 0)
        time_us = 0;
    entry_write(journal);
    ret_entry->epoch = epoch_of(journal->id);
    ret_entry->time_ns = (int64_t)(time_us * 1000);
    ret_entry->json = buf_view(&journal->json);
    journal->resident += journal->json.n;
    return RC_OK;
}
