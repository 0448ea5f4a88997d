#include "role/receivers.h"

#include "base/macros.h"
#include "role/forward_status.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOK_NS   UINT64_C(5000000000)
#define NAMES_MAX 1024 /* looked at in the folder */
#define TEXT_MAX  (RECEIVERS_MAX * (FORWARD_STATUS_MAX + RECEIVER_NAME_MAX + 2))

void receivers_init(struct receivers *receivers, const char *folder)
{
    *receivers = (struct receivers){.folder = folder};
    buf_init(&receivers->text, TEXT_MAX);
    buf_init(&receivers->last, TEXT_MAX);
}

/* The first line of NAME/status; empty when there is none, or it is no plain file. */
static struct str status_read(int folder, const char *name, char storage[FORWARD_STATUS_MAX])
{
    struct stat st;
    ssize_t n = 0;
    int inside = openat(folder, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int fd = inside < 0 ? -1 : openat(inside, FORWARD_STATUS_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        n = pread(fd, storage, FORWARD_STATUS_MAX, 0);
    if (fd >= 0)
        close(fd);
    if (inside >= 0)
        close(inside);
    struct str text = str_at(storage, n > 0 ? (size_t)n : 0);
    return str_find(text, '\n') < text.n ? str_cut(&text, '\n') : STR_NONE;
}

static void folder_read(struct receivers *receivers)
{
    char storage[FORWARD_STATUS_MAX];
    size_t count = 0;
    int fd = open(receivers->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *names = fd < 0 ? NULL : fdopendir(fd);
    if (!names) {
        if (fd >= 0)
            close(fd);
        return; /* no forwarder was ever started */
    }
    for (int i = 0; i < NAMES_MAX && count < RECEIVERS_MAX; i++) {
        const struct dirent *entry = readdir(names);
        if (!entry)
            break;
        struct str name = str_of(entry->d_name);
        struct str status = receiver_name_valid(name) ? status_read(fd, entry->d_name, storage) : STR_NONE;
        if (!status.n)
            continue;
        buf_format(&receivers->text, "%.*s\t%.*s\n", STR_ARG(name), STR_ARG(status));
        count++;
    }
    closedir(names);
}

bool receivers_look(struct receivers *receivers, uint64_t now_boot_ns)
{
    if (receivers->known && now_boot_ns - receivers->looked_ns < LOOK_NS)
        return false;
    receivers->looked_ns = now_boot_ns;
    buf_clear(&receivers->text);
    folder_read(receivers);
    if (receivers->known && str_eq(buf_view(&receivers->text), buf_view(&receivers->last)))
        return false;
    receivers->known = true;
    buf_clear(&receivers->last);
    buf_str(&receivers->last, buf_view(&receivers->text));
    return true;
}
