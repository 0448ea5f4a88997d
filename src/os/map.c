#include "os/map.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum rc file_map_path(const char *path, struct str *ret_bytes, struct err *err)
{
    struct stat status = {0};
    void *bytes = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? err_set(err, RC_NOT_FOUND, "there is no file \"%s\"", path)
                               : err_errno(err, errno, "could not open \"%s\"", path);
    enum rc rc = fstat(fd, &status) == 0 ? RC_OK : err_errno(err, errno, "could not read \"%s\"", path);
    if (rc == RC_OK && !S_ISREG(status.st_mode))
        rc = err_set(err, RC_IO, "\"%s\" is not a file", path);
    if (rc == RC_OK && status.st_size > 0)
        bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        rc = err_errno(err, errno, "could not read \"%s\"", path);
    close(fd);
    if (rc == RC_OK)
        *ret_bytes = bytes ? str_at(bytes, (size_t)status.st_size) : STR("");
    return rc;
}
