#include "role/forward_status.h"

#include "codec/json.h"
#include "os/file.h"

#define TEXT_MAX 600 /* six bytes of JSON each at worst: three texts fit */

enum rc forward_status_write(int folder, const struct forward_status *status, struct err *err)
{
    char storage[FORWARD_STATUS_MAX];
    struct buf line;
    buf_init_fixed(&line, storage, sizeof storage);
    json_write_object(&line);
    json_put_str(&line, "receiver", str_slice(status->receiver, 0, TEXT_MAX));
    json_put_str(&line, "format", status->format);
    json_put_str(&line, "query", str_slice(status->query, 0, TEXT_MAX));
    json_put_bool(&line, "own", status->own);
    json_put_u64(&line, "next", status->next);
    json_put_u64(&line, "signed", status->signed_size);
    json_put_u64(&line, "given", status->given);
    json_put_int(&line, "at_ns", status->at_ns);
    json_put_int(&line, "waiting_ns", status->waiting_ns);
    json_put_str(&line, "error", str_slice(status->error, 0, TEXT_MAX));
    json_put_int(&line, "error_ns", status->error_ns);
    json_write_object_end(&line);
    buf_char(&line, '\n');
    if (line.overflow)
        return err_set(err, RC_LIMIT, "the status is longer than %zu bytes", FORWARD_STATUS_MAX);
    return file_replace(&io_kernel, folder, FORWARD_STATUS_FILE, buf_view(&line), err);
}
