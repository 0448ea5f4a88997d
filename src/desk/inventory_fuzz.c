/* Whatever an agent tells of its machine: it is taken or passed over, and the database stays sound; versions have an
 * order. Records are lines. */
#include "desk/inventory.h"

#include "desk/desk_testing.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct stand stand;
    static bool is_open;
    static uint64_t record;
    static const uint8_t source[16] = {0xd6};
    struct str rest = str_at(bytes, size);
    struct err err;
    if (!is_open) {
        if (stand_open(&stand, ":memory:", &err) != RC_OK)
            abort();
        is_open = true;
        if (db_begin(stand.db, DB_WRITE, &err) != RC_OK)
            abort();
        db_run_i64(stand.db,
                   "INSERT INTO agent (id, uuid, name, grp, object, state, key, serial, until_ns, enrolled_ns, "
                   "enrolled_by, address, host, program, spool, spools, boot, boots, intake, "
                   "connection, connected_ns, heard_ns, told, told_ns, left_ns, silent, offset_us, "
                   "error_us, records, bytes, policy, used, room, seen_size, seen_ns, contradicts, "
                   "status, revoked_ns, revoked_by, revoked_why)"
                   " VALUES (1, 'u', 'n', 'g', ?1, 0, '', '', 0, 0, '', '', '', '', '', '', '', '', 0, -1, 0, "
                   "0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '', 0, '', '')",
                   1);
        struct db_query q = db_query(stand.db, "INSERT INTO inventory_host (agent, source, first_ns, heard_ns,"
                                               " changed_ns, taken, items, changes, full) VALUES (1, ?1, 0, 0, 0, -1,"
                                               " 0, 0, 0)");
        db_put_blob(&q, str_at(source, sizeof source));
        db_run(&q);
        if (db_end(stand.db, true, &err) != RC_OK)
            abort();
    }
    struct str versions = rest;
    struct str a = str_cut(&versions, '\n');
    struct str b = str_cut(&versions, '\n');
    static const struct str tools[] = {STR_INIT(""), STR_INIT("rpm")};
    for (size_t i = 0; i < ARRAY_LEN(tools); i++)
        if (inventory_version_compare(tools[i], a, b) != -inventory_version_compare(tools[i], b, a) ||
            inventory_version_compare(tools[i], a, a) != 0)
            abort();
    for (unsigned i = 0; rest.p && i < 16; i++) {
        const struct desk_inventory_record one = {
            .record = ++record, .received_ns = stand.now, .source = source, .json = str_cut(&rest, '\n')};
        if (desk_inventory_take(stand.desk, &one, 1, &err) != RC_OK)
            abort();
    }
    return 0;
}
