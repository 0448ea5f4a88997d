#include "role/engine_source.h"

#include "base/bytes.h"
#include "codec/json.h"

#include <string.h>

void engine_source_count(struct engine_source *source, const struct leaf *leaf, const struct event *event)
{
    source->records++;
    source->last_ns = leaf->received_ns;
    source->first_ns = source->first_ns ? source->first_ns : leaf->received_ns;
    source->changed = true;
    if (!event)
        return;
    source->not_understood += !(event->flags & EVENT_UNDERSTOOD);
    struct str host = str_slice(event->statutory[STATUTORY_HOST], 0, sizeof source->host);
    if (host.n && host.p) {
        memcpy(source->host, host.p, host.n);
        source->host_n = host.n;
    }
}

void engine_source_write(struct buf *out, const struct engine_source *source)
{
    char id[32];
    json_write_object(out);
    json_put_str(out, "id", str_at(id, hex_encode(source->id, 16, id)));
    json_put_str(out, "kind", source->kind);
    json_put_str(out, "name", source->name);
    json_put_str(out, "host", str_at(source->host, source->host_n));
    json_put_int(out, "first_ns", source->first_ns);
    json_put_int(out, "last_ns", source->last_ns);
    json_put_u64(out, "records", source->records);
    json_put_u64(out, "not_understood", source->not_understood);
    json_put_u64(out, "dropped", source->dropped);
    json_write_object_end(out);
}
