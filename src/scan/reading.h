/* reading.h - inside the room: one report being read, and the finding that is being put together. */
#ifndef SCAN_READING_H
#define SCAN_READING_H

#include "base/arena.h"
#include "scan/report.h"

/* One at a time; its texts live in an arena that the next finding empties. */
struct reading {
    struct str bytes;
    scan_sink sink;
    scan_watch watch; /* NULL: nobody */
    void *context;
    uint64_t watched; /* bytes when it was told last */
    struct scan_summary *summary;
    struct arena *arena; /* of the whole report */
    struct arena *texts; /* of the finding */
    struct scan_finding finding;
    enum rc rc; /* why to stop */
};

/* An empty finding. */
void finding_begin(struct reading *reading, struct str scanner);
/* Who found it; an empty name changes nothing. */
void finding_scanner(struct reading *reading, struct str scanner);
/* Copied, trimmed, made valid, cut. An empty text changes nothing; `finding_join` puts it behind what there is, with a
 * line feed between. */
void finding_text(struct reading *reading, enum scan_text which, struct str text);
void finding_join(struct reading *reading, enum scan_text which, struct str text);
/* Every CVE in the text. */
void finding_cves(struct reading *reading, struct str text);
/* "7.5"; sets the severity too. What is no score from 0 to 10 changes nothing. A higher one stays. */
void finding_score(struct reading *reading, struct str text);
void finding_severity(struct reading *reading,
                      struct str word); /* low, Medium, important, ... : only without a score */
void finding_port(struct reading *reading, struct str text);
/* Gives it to the sink; counts it as broken when it has no title or is nowhere. False: stop. */
bool finding_end(struct reading *reading);

/* So many bytes are behind. False: stop. */
bool reading_passed(struct reading *reading, uint64_t bytes);

struct json_value;
/* The whole report as a tree. */
enum rc reading_json(struct reading *reading, struct json_value **ret_value, struct err *err) MUST_USE;

/* What a reader keeps beside the finding; one that has no room is left empty: nothing is compared with half of it. */
void reading_keep(struct str text, char *ret, size_t size);

/* One reader a format. */
enum rc nmap_read(struct reading *reading, struct err *err) MUST_USE;
enum rc openvas_read(struct reading *reading, struct err *err) MUST_USE;
enum rc nessus_read(struct reading *reading, struct err *err) MUST_USE;
enum rc sarif_read(struct reading *reading, struct err *err) MUST_USE;
enum rc cyclonedx_read(struct reading *reading, struct err *err) MUST_USE;
enum rc table_read(struct reading *reading, struct err *err) MUST_USE;

#endif
