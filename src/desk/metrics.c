#include "desk/metrics.h"

/* One number each; what they count has an index or is small. */
static const struct {
    const char *name;
    const char *sql;
} numbers[] = {
    {"terms_running", "SELECT count(*) FROM clock WHERE state = 0"},
    {"terms_overdue", "SELECT count(*) FROM clock WHERE state = 2"},
    {"notices_waiting", "SELECT count(*) FROM outbox WHERE state < 2"},
    {"notices_failed", "SELECT count(*) FROM outbox WHERE state = 3"},
    {"rule_hits", "SELECT coalesce(sum(hits), 0) FROM rule_stat"},
    {"sessions", "SELECT count(*) FROM session"},
    {"tokens", "SELECT count(*) FROM api_token WHERE ended_ns = 0"},
};

/* Rows {"severity", "count"}. */
static void counts_put(struct ask *ask, const char *name, const char *sql)
{
    struct db_query q = db_query(ask->desk->db, sql);
    json_write_key(ask->out, name);
    json_write_array(ask->out);
    while (db_next(&q)) {
        json_write_object(ask->out);
        json_put_int(ask->out, "severity", db_i64(&q));
        json_put_int(ask->out, "count", db_i64(&q));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

void ask_metrics_get(struct ask *ask)
{
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        struct db_query q = db_query(ask->desk->db, numbers[i].sql);
        json_put_int(ask->out, numbers[i].name, db_one_i64(&q, 0));
    }
    json_put_int(ask->out, "records_waiting", ask->desk->outgoing);
    counts_put(ask, "incidents", "SELECT severity, count(*) FROM incident WHERE open = 1 GROUP BY severity");
    counts_put(ask, "vulnerabilities",
               "SELECT severity, sum(count) FROM vulnerability_count WHERE state = 0 GROUP BY severity");
}
