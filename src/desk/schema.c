#include "desk/schema.h"

#include "base/macros.h"

/* Times are nanoseconds UTC, 0 = not yet. States, levels and severities are the numbers of their enums. */
const char *const desk_schema[] = {
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE counter (year INTEGER PRIMARY KEY, last INTEGER NOT NULL) STRICT;"

    "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, role INTEGER NOT NULL,"
    " language TEXT NOT NULL, hash TEXT NOT NULL, enabled INTEGER NOT NULL, must_change INTEGER NOT NULL,"
    " created_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL) STRICT;"
    "CREATE TABLE session (token TEXT PRIMARY KEY, user INTEGER NOT NULL REFERENCES user(id) ON DELETE CASCADE,"
    " csrf TEXT NOT NULL, address TEXT NOT NULL, opened_ns INTEGER NOT NULL, used_ns INTEGER NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    "CREATE INDEX session_user ON session(user, opened_ns);"
    /* name: 'user:NAME' or 'address:ADDRESS' */
    "CREATE TABLE attempt (name TEXT PRIMARY KEY, failures INTEGER NOT NULL, until_ns INTEGER NOT NULL,"
    " last_ns INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX attempt_last ON attempt(last_ns);"

    "CREATE TABLE object (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, class INTEGER NOT NULL,"
    " contour TEXT NOT NULL, owner TEXT NOT NULL, zone_offset_s INTEGER NOT NULL) STRICT;"
    "CREATE TABLE contact (object INTEGER NOT NULL REFERENCES object(id) ON DELETE CASCADE, place INTEGER NOT NULL,"
    " name TEXT NOT NULL, email TEXT NOT NULL, phone TEXT NOT NULL, PRIMARY KEY (object, place)) STRICT, WITHOUT ROWID;"
    /* kind: 'host' (name or pattern with *) or 'address' (address or CIDR) */
    "CREATE TABLE asset (object INTEGER NOT NULL REFERENCES object(id) ON DELETE CASCADE, place INTEGER NOT NULL,"
    " kind TEXT NOT NULL, pattern TEXT NOT NULL, PRIMARY KEY (object, place)) STRICT, WITHOUT ROWID;",

    "CREATE TABLE rule (id INTEGER PRIMARY KEY, rule_id TEXT NOT NULL UNIQUE, counted INTEGER NOT NULL) STRICT;"
    "CREATE TABLE incident (id INTEGER PRIMARY KEY, number TEXT NOT NULL UNIQUE,"
    " object INTEGER NOT NULL REFERENCES object(id), rule INTEGER NOT NULL REFERENCES rule(id),"
    " title TEXT NOT NULL, rule_title TEXT NOT NULL, level INTEGER NOT NULL, tags TEXT NOT NULL, state INTEGER NOT "
    "NULL,"
    " open INTEGER NOT NULL, severity INTEGER NOT NULL, kind TEXT NOT NULL, scope TEXT NOT NULL, sign TEXT NOT NULL,"
    " contour TEXT NOT NULL, consequence TEXT NOT NULL, repeated INTEGER NOT NULL, ioc TEXT NOT NULL,"
    " nature TEXT NOT NULL, actions TEXT NOT NULL, note TEXT NOT NULL, host TEXT NOT NULL, account TEXT NOT NULL,"
    " address TEXT NOT NULL, matches INTEGER NOT NULL, last_record INTEGER NOT NULL, first_ns INTEGER NOT NULL,"
    " last_ns INTEGER NOT NULL, occurred_ns INTEGER NOT NULL, detected_ns INTEGER NOT NULL,"
    " confirmed_ns INTEGER NOT NULL, notified_ns INTEGER NOT NULL, closed_ns INTEGER NOT NULL) STRICT;"
    "CREATE INDEX incident_group ON incident(object, rule, host, account, address, id);"
    "CREATE INDEX incident_rule_open ON incident(object, rule, id) WHERE open = 1;"
    "CREATE INDEX incident_open ON incident(open, id);"
    /* incident 0: below the threshold, only counted */
    "CREATE TABLE matched (record INTEGER NOT NULL, rule INTEGER NOT NULL, incident INTEGER NOT NULL,"
    " PRIMARY KEY (record, rule)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX matched_counted ON matched(record) WHERE incident = 0;"
    "CREATE TABLE evidence (incident INTEGER NOT NULL REFERENCES incident(id), record INTEGER NOT NULL,"
    " time_ns INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (incident, record)) STRICT, WITHOUT ROWID;",

    /* next_ns: when the next warning is due; 0 when none will come */
    "CREATE TABLE clock (id INTEGER PRIMARY KEY, incident INTEGER NOT NULL REFERENCES incident(id),"
    " rule TEXT NOT NULL, trigger_ns INTEGER NOT NULL, due_ns INTEGER NOT NULL, state INTEGER NOT NULL,"
    " met_ns INTEGER NOT NULL, stage INTEGER NOT NULL, next_ns INTEGER NOT NULL, edition TEXT NOT NULL,"
    " kk TEXT NOT NULL, ru TEXT NOT NULL, en TEXT NOT NULL) STRICT;"
    "CREATE INDEX clock_incident ON clock(incident, id);"
    "CREATE INDEX clock_next ON clock(next_ns) WHERE next_ns > 0;"

    /* Ids never repeat and have no gaps: they are the sequence of the desk's own source in the archive. */
    "CREATE TABLE outgoing (id INTEGER PRIMARY KEY AUTOINCREMENT, time_ns INTEGER NOT NULL, body TEXT NOT NULL) STRICT;"
    "CREATE TABLE history (id INTEGER PRIMARY KEY, incident INTEGER NOT NULL REFERENCES incident(id),"
    " time_ns INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, detail TEXT NOT NULL,"
    " outgoing INTEGER NOT NULL, record INTEGER) STRICT;"
    "CREATE INDEX history_incident ON history(incident, id);"
    "CREATE INDEX history_outgoing ON history(outgoing) WHERE record IS NULL;"

    "CREATE TABLE channel (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, recipient TEXT NOT NULL, server TEXT NOT NULL,"
    " sender TEXT NOT NULL, user TEXT NOT NULL, secret TEXT NOT NULL, language TEXT NOT NULL,"
    " enabled INTEGER NOT NULL) STRICT;"
    "CREATE TABLE outbox (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE,"
    " incident INTEGER NOT NULL REFERENCES incident(id), channel INTEGER NOT NULL REFERENCES channel(id),"
    " subject TEXT NOT NULL, body TEXT NOT NULL, due_ns INTEGER NOT NULL, tries INTEGER NOT NULL,"
    " state INTEGER NOT NULL, time_ns INTEGER NOT NULL, answer TEXT NOT NULL) STRICT;"
    "CREATE INDEX outbox_due ON outbox(due_ns) WHERE state < 2;"
    "CREATE INDEX outbox_incident ON outbox(incident, id);",

    /* state: what the mirror says of itself, 'ok' or 'stopped'; used_day: the last day whose use was recorded */
    "CREATE TABLE mirror (name TEXT PRIMARY KEY, address TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,"
    " size INTEGER NOT NULL, checkpoint_size INTEGER NOT NULL, bytes INTEGER NOT NULL, root TEXT NOT NULL,"
    " interval_s INTEGER NOT NULL, first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL,"
    " used_day INTEGER NOT NULL, used_address TEXT NOT NULL, silent INTEGER NOT NULL) STRICT, WITHOUT ROWID;",

    /* made_by: who made the account, or last gave it a password; empty: not known, or itself */
    "ALTER TABLE user ADD COLUMN made_by TEXT NOT NULL DEFAULT '';"
    /* state: the numbers of retention.c; decider: who approved, refused or withdrew */
    "CREATE TABLE retention (id INTEGER PRIMARY KEY AUTOINCREMENT, state INTEGER NOT NULL, reason TEXT NOT NULL,"
    " law TEXT NOT NULL, days INTEGER NOT NULL, records INTEGER NOT NULL, bytes INTEGER NOT NULL,"
    " first INTEGER NOT NULL, past INTEGER NOT NULL, proposer_id INTEGER NOT NULL, proposer TEXT NOT NULL,"
    " proposed_ns INTEGER NOT NULL, decider TEXT NOT NULL, decided_ns INTEGER NOT NULL, decision TEXT NOT NULL) STRICT;"
    "CREATE INDEX retention_open ON retention(id) WHERE state <= 1;"
    "CREATE TABLE retention_part (proposal INTEGER NOT NULL REFERENCES retention(id), first INTEGER NOT NULL,"
    " past INTEGER NOT NULL, bytes INTEGER NOT NULL, received_ns INTEGER NOT NULL, keep_until_ns INTEGER NOT NULL,"
    " state INTEGER NOT NULL, record INTEGER, reason TEXT NOT NULL, PRIMARY KEY (proposal, first))"
    " STRICT, WITHOUT ROWID;",

    /* how often that day the address was another than the time before */
    "ALTER TABLE mirror ADD COLUMN used_count INTEGER NOT NULL DEFAULT 0;",

    /* Everybody who ever knew a password of the account: giver made it (anew 0) or gave it a password later (anew 1).
     * Whose maker was not written down could be anybody's who made accounts then: administrators'. */
    "CREATE TABLE handed (user INTEGER NOT NULL REFERENCES user(id) ON DELETE CASCADE,"
    " giver INTEGER NOT NULL REFERENCES user(id), anew INTEGER NOT NULL, PRIMARY KEY (user, giver, anew))"
    " STRICT, WITHOUT ROWID;"
    "INSERT INTO handed (user, giver, anew) SELECT u.id, g.id, 0 FROM user u JOIN user g"
    " ON g.name = u.made_by OR (u.made_by = '' AND g.role = 0) WHERE g.id <> u.id;"
    "ALTER TABLE user DROP COLUMN made_by;",

    /* how long event logs of the object are kept; 0: as everywhere */
    "ALTER TABLE object ADD COLUMN keep_days INTEGER NOT NULL DEFAULT 0;",

    /* level: -1 is the rule's own; rule_file: what was loaded last, by id or place, and since when, and since how many
     * events of all engines, its fields are looked for; hour and day: since 1970, of the
     * server's clock; engine_count: how far each engine's counts are in */
    "CREATE TABLE rule_state (rule INTEGER PRIMARY KEY REFERENCES rule(id), state INTEGER NOT NULL,"
    " level INTEGER NOT NULL, reason TEXT NOT NULL, who TEXT NOT NULL, changed_ns INTEGER NOT NULL) STRICT;"
    "CREATE TABLE rule_history (id INTEGER PRIMARY KEY, rule INTEGER NOT NULL REFERENCES rule(id),"
    " time_ns INTEGER NOT NULL, who TEXT NOT NULL, state INTEGER NOT NULL, level INTEGER NOT NULL,"
    " was_state INTEGER NOT NULL, was_level INTEGER NOT NULL, reason TEXT NOT NULL, outgoing INTEGER NOT NULL,"
    " record INTEGER) STRICT;"
    "CREATE INDEX rule_history_rule ON rule_history(rule, id);"
    "CREATE INDEX rule_history_outgoing ON rule_history(outgoing) WHERE record IS NULL;"
    "CREATE TABLE rule_file (name TEXT PRIMARY KEY, hash INTEGER NOT NULL, since_ns INTEGER NOT NULL,"
    " since_events INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE rule_stat (rule INTEGER PRIMARY KEY REFERENCES rule(id), hits INTEGER NOT NULL,"
    " runs INTEGER NOT NULL, ns INTEGER NOT NULL, last_ns INTEGER NOT NULL) STRICT;"
    "CREATE TABLE rule_hour (rule INTEGER NOT NULL, hour INTEGER NOT NULL, hits INTEGER NOT NULL,"
    " PRIMARY KEY (rule, hour)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX rule_hour_hour ON rule_hour(hour);"
    "CREATE TABLE rule_day (rule INTEGER NOT NULL, day INTEGER NOT NULL, hits INTEGER NOT NULL,"
    " PRIMARY KEY (rule, day)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX rule_day_day ON rule_day(day);"
    "CREATE TABLE log_source (product TEXT NOT NULL, category TEXT NOT NULL, service TEXT NOT NULL,"
    " events INTEGER NOT NULL, covered INTEGER NOT NULL, PRIMARY KEY (product, category, service))"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE field_seen (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;"
    "CREATE TABLE engine_count (engine INTEGER PRIMARY KEY, upto INTEGER NOT NULL, events INTEGER NOT NULL,"
    " first_ns INTEGER NOT NULL) STRICT;",

    /* what correlations were told (role/correlations.h), in the order of ids */
    "CREATE TABLE trail (id INTEGER PRIMARY KEY, until_ns INTEGER NOT NULL,"
    " body BLOB NOT NULL) STRICT;"
    "CREATE INDEX trail_until ON trail(until_ns);",

    /* what people wrote: rules and filters (rule_text.c); ended_ns 0: in effect; bytes: of all texts of the row */
    "CREATE TABLE rule_text (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL, from_ns INTEGER NOT NULL, expires_ns INTEGER NOT NULL, ended_ns INTEGER NOT NULL,"
    " title TEXT NOT NULL, who TEXT NOT NULL, reason TEXT NOT NULL, ended_by TEXT NOT NULL, ended_why TEXT NOT NULL,"
    " outgoing INTEGER NOT NULL, record INTEGER, text TEXT NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX rule_text_now ON rule_text(kind, name) WHERE ended_ns = 0;"
    "CREATE INDEX rule_text_name ON rule_text(kind, name, version);"
    "CREATE INDEX rule_text_expires ON rule_text(expires_ns) WHERE ended_ns = 0 AND expires_ns > 0;"
    "CREATE INDEX rule_text_ended ON rule_text(bytes) WHERE ended_ns > 0;"
    "CREATE INDEX rule_text_outgoing ON rule_text(outgoing) WHERE record IS NULL;",

    /* the newest matches of one rule, on which a filter is tried */
    "CREATE INDEX matched_rule ON matched(rule, record);",
    /* state, trouble: the numbers of desk.h; who: empty, it began by itself; began_ns: 0 as long as it never ran;
     * hash: of the rule's text as it was hunted; whether a hit has an incident stands in matched */
    "CREATE TABLE hunt (id INTEGER PRIMARY KEY AUTOINCREMENT, state INTEGER NOT NULL, who TEXT NOT NULL,"
    " made_ns INTEGER NOT NULL, began_ns INTEGER NOT NULL, ended_ns INTEGER NOT NULL, from_ns INTEGER NOT NULL,"
    " to_ns INTEGER NOT NULL, permille INTEGER NOT NULL, records INTEGER NOT NULL, hits INTEGER NOT NULL,"
    " too_large INTEGER NOT NULL, gone INTEGER NOT NULL, evicted INTEGER NOT NULL, passed INTEGER NOT NULL,"
    " trouble INTEGER NOT NULL, text TEXT NOT NULL, stopper TEXT NOT NULL) STRICT;"
    "CREATE INDEX hunt_open ON hunt(state, id);"
    "CREATE TABLE hunt_rule (hunt INTEGER NOT NULL REFERENCES hunt(id) ON DELETE CASCADE,"
    " rule INTEGER NOT NULL REFERENCES rule(id), hash INTEGER NOT NULL, hits INTEGER NOT NULL,"
    " PRIMARY KEY (hunt, rule)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX hunt_rule_hash ON hunt_rule(hunt, hash);"
    "CREATE INDEX hunt_rule_rule ON hunt_rule(rule, hunt);"
    "CREATE TABLE hunt_hit (id INTEGER PRIMARY KEY, hunt INTEGER NOT NULL REFERENCES hunt(id) ON DELETE CASCADE,"
    " rule INTEGER NOT NULL, record INTEGER NOT NULL, time_ns INTEGER NOT NULL, host TEXT NOT NULL,"
    " account TEXT NOT NULL, address TEXT NOT NULL, text TEXT NOT NULL) STRICT;"
    "CREATE INDEX hunt_hit_rule ON hunt_hit(hunt, rule, id);"
    "CREATE INDEX hunt_hit_hunt ON hunt_hit(hunt, id);",
    /* agents (agent.h). digest: of the secret; used_ns 0: it waits; reused: how often it came again. state: enum
     * agent_state; serial empty: the certificate was not issued yet; spools, boots: former ones, the newest last;
     * intake -1: not connected; told: the version of the policy that this connection was told; told_ns, left_ns: when
     * its coming and going were last recorded; used, room: bytes of its spool */
    "CREATE TABLE agent_token (id INTEGER PRIMARY KEY AUTOINCREMENT, digest TEXT NOT NULL UNIQUE, name TEXT NOT NULL,"
    " grp TEXT NOT NULL, object INTEGER NOT NULL REFERENCES object(id), who TEXT NOT NULL, made_ns INTEGER NOT NULL,"
    " until_ns INTEGER NOT NULL, used_ns INTEGER NOT NULL, agent INTEGER NOT NULL, reused INTEGER NOT NULL) STRICT;"
    "CREATE INDEX agent_token_open ON agent_token(until_ns) WHERE used_ns = 0;"
    "CREATE TABLE agent (id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL UNIQUE, name TEXT NOT NULL, grp TEXT "
    "NOT NULL,"
    " object INTEGER NOT NULL REFERENCES object(id), state INTEGER NOT NULL, key TEXT NOT NULL, serial TEXT NOT NULL,"
    " until_ns INTEGER NOT NULL, enrolled_ns INTEGER NOT NULL, enrolled_by TEXT NOT NULL, address TEXT NOT NULL,"
    " host TEXT NOT NULL, program TEXT NOT NULL, spool TEXT NOT NULL, spools TEXT NOT NULL, boot TEXT NOT NULL,"
    " boots TEXT NOT NULL, intake INTEGER NOT NULL, connection INTEGER NOT NULL, connected_ns INTEGER NOT NULL,"
    " heard_ns INTEGER NOT NULL, told INTEGER NOT NULL, told_ns INTEGER NOT NULL, left_ns INTEGER NOT NULL,"
    " silent INTEGER NOT NULL, offset_us INTEGER NOT NULL, error_us INTEGER NOT NULL, records INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL, policy INTEGER NOT NULL, used INTEGER NOT NULL, room INTEGER NOT NULL,"
    " seen_size INTEGER NOT NULL, seen_ns INTEGER NOT NULL, contradicts INTEGER NOT NULL, status TEXT NOT NULL,"
    " revoked_ns INTEGER NOT NULL, revoked_by TEXT NOT NULL, revoked_why TEXT NOT NULL) STRICT;"
    "CREATE INDEX agent_name ON agent(state, name);"
    "CREATE INDEX agent_group ON agent(grp, state);"
    "CREATE INDEX agent_heard ON agent(heard_ns) WHERE state = 0 AND silent = 0;"
    "CREATE INDEX agent_linked ON agent(intake) WHERE intake >= 0;"
    "CREATE INDEX agent_seen_size ON agent(seen_size) WHERE contradicts = 0;"
    /* checkpoints that agents saw, the roots in base64 */
    "CREATE TABLE agent_seen (size INTEGER PRIMARY KEY, root TEXT NOT NULL, agent INTEGER NOT NULL) STRICT;"
    /* note empty: not signed yet; was: the version whose text it has again, 0 when it is a new one */
    "CREATE TABLE agent_policy (version INTEGER PRIMARY KEY, grp TEXT NOT NULL, text TEXT NOT NULL, note TEXT NOT NULL,"
    " error TEXT NOT NULL, was INTEGER NOT NULL, made_ns INTEGER NOT NULL, who TEXT NOT NULL, reason TEXT NOT NULL,"
    " outgoing INTEGER NOT NULL, record INTEGER) STRICT;"
    "CREATE INDEX agent_policy_group ON agent_policy(grp, version);"
    "CREATE INDEX agent_policy_unsigned ON agent_policy(version) WHERE note = '';"
    "CREATE INDEX agent_policy_outgoing ON agent_policy(outgoing) WHERE record IS NULL;"
    /* incidents that wait for the number of their record; trouble: enum own_trouble */
    "CREATE TABLE agent_alarm (outgoing INTEGER PRIMARY KEY, trouble INTEGER NOT NULL, object INTEGER NOT NULL,"
    " host TEXT NOT NULL, address TEXT NOT NULL, text TEXT NOT NULL, time_ns INTEGER NOT NULL) STRICT;",
    /* what sources sent, for coverage of Annex 4 (annex_desk.c); classes: what a person set, bits of ANNEX_CLASSES, 0:
     * none; n_...: records that had the field; missing: what was told, "what:key" with commas */
    "CREATE TABLE annex_source (source BLOB PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, host TEXT NOT NULL,"
    " known_ns INTEGER NOT NULL, classes INTEGER NOT NULL, reason TEXT NOT NULL, who TEXT NOT NULL,"
    " changed_ns INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE annex_count (source BLOB NOT NULL, class TEXT NOT NULL, kind TEXT NOT NULL, parser TEXT NOT NULL,"
    " records INTEGER NOT NULL, failed INTEGER NOT NULL, first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL,"
    " failed_ns INTEGER NOT NULL, not_utf8 INTEGER NOT NULL, not_text INTEGER NOT NULL, n_time INTEGER NOT NULL,"
    " n_host INTEGER NOT NULL, n_service INTEGER NOT NULL, n_account INTEGER NOT NULL,"
    " n_user_address INTEGER NOT NULL, n_src INTEGER NOT NULL, n_dst INTEGER NOT NULL, n_object INTEGER NOT NULL,"
    " n_start INTEGER NOT NULL, n_end INTEGER NOT NULL, n_description INTEGER NOT NULL,"
    " PRIMARY KEY (source, class, kind, parser)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE annex_told (source BLOB NOT NULL, class TEXT NOT NULL, missing TEXT NOT NULL,"
    " since_ns INTEGER NOT NULL, PRIMARY KEY (source, class)) STRICT, WITHOUT ROWID;",
    /* of a hit that has no record, and so no place in matched: what was opened for it */
    "ALTER TABLE hunt_hit ADD COLUMN incident INTEGER NOT NULL DEFAULT 0;",

    /* decisions about many rules at once (rule_step.c); state -1: several; undoes, undone: the act that is taken back,
     * and that took this one back; 0: none */
    "CREATE TABLE rule_act (id INTEGER PRIMARY KEY AUTOINCREMENT, time_ns INTEGER NOT NULL, who TEXT NOT NULL,"
    " pack TEXT NOT NULL, level TEXT NOT NULL, state INTEGER NOT NULL, rules INTEGER NOT NULL, reason TEXT NOT NULL,"
    " undoes INTEGER NOT NULL, undone INTEGER NOT NULL) STRICT;"
    "ALTER TABLE rule_history ADD COLUMN act INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX rule_history_act ON rule_history(act) WHERE act > 0;",

    /* what became of records as they were parsed (parse_rate.c); day since 1970-01-01 */
    "CREATE TABLE parse_count (source BLOB NOT NULL, day INTEGER NOT NULL, parser TEXT NOT NULL,"
    " outcome TEXT NOT NULL, records INTEGER NOT NULL, last_ns INTEGER NOT NULL, last_record INTEGER NOT NULL,"
    " PRIMARY KEY (source, day, parser, outcome)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX parse_count_day ON parse_count(day);"
    /* patterns that people wrote here (parser_draft.c); ended_ns 0: it stands */
    "CREATE TABLE parser_draft (id INTEGER PRIMARY KEY, version INTEGER NOT NULL, name TEXT NOT NULL,"
    " program TEXT NOT NULL, pattern TEXT NOT NULL, kind TEXT NOT NULL, outcome TEXT NOT NULL, sets TEXT NOT NULL,"
    " sample TEXT NOT NULL, who TEXT NOT NULL, reason TEXT NOT NULL, made_ns INTEGER NOT NULL,"
    " ended_ns INTEGER NOT NULL, ended_by TEXT NOT NULL, ended_why TEXT NOT NULL) STRICT;"
    "CREATE INDEX parser_draft_name ON parser_draft(name) WHERE ended_ns = 0;",

    /* hunts that compare (hunt_changes.c): pack empty: it is none; changes: all rules that differ; records: numbers
     * with commas */
    "ALTER TABLE hunt ADD COLUMN pack TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE hunt ADD COLUMN version TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE hunt ADD COLUMN was_version TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE hunt ADD COLUMN changes INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE hunt ADD COLUMN gained INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE hunt ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE hunt_change (hunt INTEGER NOT NULL REFERENCES hunt(id) ON DELETE CASCADE, place INTEGER NOT NULL,"
    " kind INTEGER NOT NULL, indicators INTEGER NOT NULL, too_many INTEGER NOT NULL, rule_id TEXT NOT NULL,"
    " title TEXT NOT NULL, gained INTEGER NOT NULL, lost INTEGER NOT NULL, before INTEGER NOT NULL,"
    " after INTEGER NOT NULL, gained_records TEXT NOT NULL, lost_records TEXT NOT NULL, PRIMARY KEY (hunt, place))"
    " STRICT, WITHOUT ROWID;",

    /* what a correlation lost: desk_rule_count */
    "ALTER TABLE rule_stat ADD COLUMN lost_groups INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE rule_stat ADD COLUMN lost_matches INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE rule_stat ADD COLUMN late INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE rule_stat ADD COLUMN ungrouped INTEGER NOT NULL DEFAULT 0;",
    /* the ledger of losses (loss.c): from first to last record that tells of it, -1 none; to_ns 0: it goes on; unknown:
     * more than `count`, nobody knows how many; explained_ns 0: nobody explained it */
    "CREATE TABLE loss (id INTEGER PRIMARY KEY AUTOINCREMENT, source BLOB NOT NULL, cause TEXT NOT NULL,"
    " unit TEXT NOT NULL, minute INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, host TEXT NOT NULL,"
    " object INTEGER NOT NULL, count INTEGER NOT NULL, unknown INTEGER NOT NULL, from_ns INTEGER NOT NULL,"
    " to_ns INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, explanation TEXT NOT NULL,"
    " who TEXT NOT NULL, explained_ns INTEGER NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX loss_minute ON loss(source, cause, unit, minute) WHERE explained_ns = 0;"
    "CREATE INDEX loss_from ON loss(from_ns, id);"
    "CREATE INDEX loss_goes_on ON loss(source) WHERE to_ns = 0;"
    /* what is wrong with a source now; trouble: enum own_trouble */
    "CREATE TABLE source_trouble (source BLOB NOT NULL, trouble INTEGER NOT NULL, since_ns INTEGER NOT NULL,"
    " last_ns INTEGER NOT NULL, PRIMARY KEY (source, trouble)) STRICT, WITHOUT ROWID;"
    /* rhythms (rhythm_desk.c); hours count from 1970 in the desk's zone; slot: hour of the week; counts: of its last
     * weeks, u32 each; high: above it the hour is a burst, 0: not known; judged: the last hour learned or left */
    "CREATE TABLE rhythm_source (source BLOB PRIMARY KEY, since INTEGER NOT NULL, judged INTEGER NOT NULL) STRICT,"
    " WITHOUT ROWID;"
    "CREATE TABLE rhythm_hour (source BLOB NOT NULL, hour INTEGER NOT NULL, count INTEGER NOT NULL,"
    " high INTEGER NOT NULL, PRIMARY KEY (source, hour)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE rhythm (source BLOB NOT NULL, slot INTEGER NOT NULL, counts BLOB NOT NULL,"
    " PRIMARY KEY (source, slot)) STRICT, WITHOUT ROWID;",

    /* Terms, notices and history are of a subject: which kind (enum subject_kind) and its row in the table of that
     * kind.
     */
    "CREATE TABLE clock_of (id INTEGER PRIMARY KEY, subject INTEGER NOT NULL, item INTEGER NOT NULL,"
    " rule TEXT NOT NULL, trigger_ns INTEGER NOT NULL, due_ns INTEGER NOT NULL, state INTEGER NOT NULL,"
    " met_ns INTEGER NOT NULL, stage INTEGER NOT NULL, next_ns INTEGER NOT NULL, edition TEXT NOT NULL,"
    " kk TEXT NOT NULL, ru TEXT NOT NULL, en TEXT NOT NULL) STRICT;"
    "INSERT INTO clock_of SELECT id, 0, incident, rule, trigger_ns, due_ns, state, met_ns, stage, next_ns, edition,"
    " kk, ru, en FROM clock;"
    "DROP TABLE clock; ALTER TABLE clock_of RENAME TO clock;"
    "CREATE INDEX clock_subject ON clock(subject, item, id);"
    "CREATE INDEX clock_next ON clock(next_ns) WHERE next_ns > 0;"
    "CREATE INDEX clock_unmet ON clock(due_ns) WHERE state IN (0, 2);"
    "CREATE TABLE outbox_of (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, subject INTEGER NOT NULL,"
    " item INTEGER NOT NULL, channel INTEGER NOT NULL REFERENCES channel(id),"
    " title TEXT NOT NULL, body TEXT NOT NULL, due_ns INTEGER NOT NULL, tries INTEGER NOT NULL,"
    " state INTEGER NOT NULL, time_ns INTEGER NOT NULL, answer TEXT NOT NULL) STRICT;"
    "INSERT INTO outbox_of SELECT id, key, 0, incident, channel, subject, body, due_ns, tries, state, time_ns, answer"
    " FROM outbox;"
    "DROP TABLE outbox; ALTER TABLE outbox_of RENAME TO outbox;"
    "CREATE INDEX outbox_due ON outbox(due_ns) WHERE state < 2;"
    "CREATE INDEX outbox_subject ON outbox(subject, item, id);"
    "CREATE TABLE history_of (id INTEGER PRIMARY KEY, subject INTEGER NOT NULL, item INTEGER NOT NULL,"
    " time_ns INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, detail TEXT NOT NULL,"
    " outgoing INTEGER NOT NULL, record INTEGER) STRICT;"
    "INSERT INTO history_of SELECT id, 0, incident, time_ns, who, what, detail, outgoing, record FROM history;"
    "DROP TABLE history; ALTER TABLE history_of RENAME TO history;"
    "CREATE INDEX history_subject ON history(subject, item, id);"
    "CREATE INDEX history_outgoing ON history(outgoing) WHERE record IS NULL;",
    /* vulnerabilities (vulnerability.h). findings: a report; ended_ns 0: it is still being taken. vulnerability:
     * findings: the report that it is owed to, last_findings: that saw it last; until_ns: of a necessity; score in
     * tenths */
    "ALTER TABLE object ADD COLUMN critical INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE findings (id INTEGER PRIMARY KEY AUTOINCREMENT, number TEXT NOT NULL, object INTEGER NOT NULL"
    " REFERENCES object(id), origin TEXT NOT NULL, control INTEGER NOT NULL, title TEXT NOT NULL, format TEXT NOT NULL,"
    " scanner TEXT NOT NULL, sha256 TEXT NOT NULL, who TEXT NOT NULL, received_ns INTEGER NOT NULL,"
    " made_ns INTEGER NOT NULL, ended_ns INTEGER NOT NULL, informed_ns INTEGER NOT NULL, fresh INTEGER NOT NULL,"
    " known INTEGER NOT NULL, returned INTEGER NOT NULL, closed INTEGER NOT NULL, summary TEXT NOT NULL) STRICT;"
    "CREATE INDEX findings_object ON findings(object, id);"
    "CREATE TABLE vulnerability (id INTEGER PRIMARY KEY AUTOINCREMENT, number TEXT NOT NULL,"
    " object INTEGER NOT NULL REFERENCES object(id), print BLOB NOT NULL, findings INTEGER NOT NULL REFERENCES"
    " findings(id), last_findings INTEGER NOT NULL, scanner TEXT NOT NULL, checked TEXT NOT NULL, address TEXT NOT "
    "NULL,"
    " host TEXT NOT NULL, protocol TEXT NOT NULL, component TEXT NOT NULL, place TEXT NOT NULL,"
    " tool_print TEXT NOT NULL, title TEXT NOT NULL, description TEXT NOT NULL, solution TEXT NOT NULL,"
    " evidence TEXT NOT NULL, cves TEXT NOT NULL, port INTEGER NOT NULL, score INTEGER NOT NULL,"
    " severity INTEGER NOT NULL, state INTEGER NOT NULL, category TEXT NOT NULL, justification TEXT NOT NULL,"
    " until_ns INTEGER NOT NULL, found_ns INTEGER NOT NULL, seen_ns INTEGER NOT NULL, times INTEGER NOT NULL,"
    " returned INTEGER NOT NULL, fixed_ns INTEGER NOT NULL, closed_ns INTEGER NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX vulnerability_print ON vulnerability(object, print);"
    "CREATE INDEX vulnerability_list ON vulnerability(severity, id);"
    "CREATE INDEX vulnerability_object ON vulnerability(object, severity, id);"
    "CREATE INDEX vulnerability_state ON vulnerability(state, severity, id);"
    "CREATE INDEX vulnerability_both ON vulnerability(object, state, severity, id);"
    "CREATE INDEX vulnerability_unseen ON vulnerability(object, last_findings) WHERE state = 1;"
    "CREATE INDEX vulnerability_findings ON vulnerability(findings, state);"
    "CREATE INDEX vulnerability_last ON vulnerability(last_findings);"
    "CREATE INDEX vulnerability_address ON vulnerability(address);"
    "CREATE INDEX vulnerability_host ON vulnerability(host);"
    "CREATE TABLE vulnerability_cve (cve TEXT NOT NULL, vulnerability INTEGER NOT NULL REFERENCES vulnerability(id),"
    " PRIMARY KEY (cve, vulnerability)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE vulnerability_count (object INTEGER NOT NULL, state INTEGER NOT NULL, severity INTEGER NOT NULL,"
    " count INTEGER NOT NULL, PRIMARY KEY (object, state, severity)) STRICT, WITHOUT ROWID;",

    /* relay: the relays that an agent comes through, by addresses. contradicts: enum agent_doubt */
    "ALTER TABLE agent ADD COLUMN relay TEXT NOT NULL DEFAULT '';",

    /* loss.sender: the address that a receiver refused, '' of all else */
    "ALTER TABLE loss ADD COLUMN sender TEXT NOT NULL DEFAULT '';"
    "DROP INDEX loss_minute;"
    "CREATE UNIQUE INDEX loss_minute ON loss(source, cause, unit, minute, sender) WHERE explained_ns = 0;",

    /* hunts for lists of indicators (hunt_lists.c); lists: enum desk_hunt_lists; sought: entries it looks for; due_ns:
     * it waits until then; indicator_list: as they were read last; indicator_known: role/hunt_known.h in pieces */
    "ALTER TABLE hunt ADD COLUMN lists INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE hunt ADD COLUMN stamp INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE hunt ADD COLUMN sought INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE hunt ADD COLUMN due_ns INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE indicator_list (place INTEGER PRIMARY KEY, name TEXT NOT NULL, entries INTEGER NOT NULL,"
    " fresh INTEGER NOT NULL, expired INTEGER NOT NULL, refused INTEGER NOT NULL, line INTEGER NOT NULL,"
    " reason TEXT NOT NULL, example TEXT NOT NULL) STRICT;"
    "CREATE TABLE indicator_known (chunk INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;",
    /* what agents tell of their machines (inventory.c): taken: the last record that is in; full: items that found no
     * place since the last snapshot; an item's name, also and version are what is searched by, seen: the snapshot
     * that told it last, 0: none; a kind's snapshot is whole when its parts came one after the other, next 0: it is not
     */
    "CREATE TABLE inventory_host (agent INTEGER PRIMARY KEY REFERENCES agent(id), source BLOB NOT NULL UNIQUE,"
    " first_ns INTEGER NOT NULL, heard_ns INTEGER NOT NULL, changed_ns INTEGER NOT NULL, taken INTEGER NOT NULL,"
    " items INTEGER NOT NULL, changes INTEGER NOT NULL, full INTEGER NOT NULL) STRICT;"
    "CREATE TABLE inventory_kind (agent INTEGER NOT NULL, kind TEXT NOT NULL, snapshot INTEGER NOT NULL,"
    " next INTEGER NOT NULL, whole_ns INTEGER NOT NULL, items INTEGER NOT NULL, PRIMARY KEY (agent, kind))"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE inventory_item (agent INTEGER NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, name TEXT NOT NULL,"
    " also TEXT NOT NULL, version TEXT NOT NULL, value TEXT NOT NULL, now TEXT NOT NULL,"
    " since_ns INTEGER NOT NULL, seen INTEGER NOT NULL, PRIMARY KEY (agent, kind, key)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX inventory_item_name ON inventory_item(kind, name);"
    "CREATE INDEX inventory_item_also ON inventory_item(kind, also) WHERE also <> '';"
    /* change: enum inventory_change; found: by a snapshot, not told when it happened */
    "CREATE TABLE inventory_change (id INTEGER PRIMARY KEY AUTOINCREMENT, agent INTEGER NOT NULL,"
    " time_ns INTEGER NOT NULL, record INTEGER NOT NULL, change INTEGER NOT NULL, found INTEGER NOT NULL,"
    " kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, before TEXT NOT NULL) STRICT;"
    "CREATE INDEX inventory_change_agent ON inventory_change(agent, id);",
    /* canaries (canary.c): agent empty: the service's own, lane: the engine that judges it; record -1: none came yet;
     * hop: enum canary_hop; told_...: what the agent said of its last one, and when; recent: the last ones */
    "CREATE TABLE canary (agent TEXT NOT NULL, lane INTEGER NOT NULL, engine INTEGER NOT NULL, number INTEGER NOT NULL,"
    " record INTEGER NOT NULL, nonce TEXT NOT NULL, every_s INTEGER NOT NULL, made_ns INTEGER NOT NULL,"
    " seen_ns INTEGER NOT NULL, total_us INTEGER NOT NULL, due_ns INTEGER NOT NULL, checked_ns INTEGER NOT NULL,"
    " hop INTEGER NOT NULL, hop_ns INTEGER NOT NULL, told_number INTEGER NOT NULL, told_durable INTEGER NOT NULL,"
    " told_ns INTEGER NOT NULL, recent BLOB NOT NULL, PRIMARY KEY (agent, lane)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX canary_due ON canary(due_ns);"
    "CREATE INDEX canary_hop ON canary(hop) WHERE hop > 0;"
    /* their times by hour since 1970; own: of the service; stage, bucket: canary_inside.h */
    "CREATE TABLE canary_hour (hour INTEGER NOT NULL, own INTEGER NOT NULL, stage INTEGER NOT NULL,"
    " bucket INTEGER NOT NULL, count INTEGER NOT NULL, max_us INTEGER NOT NULL,"
    " PRIMARY KEY (hour, own, stage, bucket)) STRICT, WITHOUT ROWID;"
    /* where some stop now; engine 0 and agent empty where they do not tell them apart */
    "CREATE TABLE canary_trouble (hop INTEGER NOT NULL, engine INTEGER NOT NULL, agent TEXT NOT NULL,"
    " since_ns INTEGER NOT NULL, PRIMARY KEY (hop, engine, agent)) STRICT, WITHOUT ROWID;"
    /* clocks of agents and, agent empty, of this machine; lost_ns 0: it follows a source; told: too long; choice: enum
     * time_choice */
    "CREATE TABLE time_source (agent TEXT PRIMARY KEY, lost_ns INTEGER NOT NULL, told INTEGER NOT NULL,"
    " choice INTEGER NOT NULL, error_us INTEGER NOT NULL, daemon TEXT NOT NULL, servers TEXT NOT NULL) STRICT,"
    " WITHOUT ROWID;",

    /* planned changes of event logging (announce.c): due_ns: it was to be told until then, 0: not known; kk, ru, en:
     * why then; ended_ns 0: it stands */
    "CREATE TABLE announcement (id INTEGER PRIMARY KEY AUTOINCREMENT, source BLOB NOT NULL, kind TEXT NOT NULL,"
    " name TEXT NOT NULL, from_ns INTEGER NOT NULL, to_ns INTEGER NOT NULL, what TEXT NOT NULL, before TEXT NOT NULL,"
    " after TEXT NOT NULL, who TEXT NOT NULL, made_ns INTEGER NOT NULL, due_ns INTEGER NOT NULL, kk TEXT NOT NULL,"
    " ru TEXT NOT NULL, en TEXT NOT NULL, ended_ns INTEGER NOT NULL, ended_by TEXT NOT NULL, ended_why TEXT NOT NULL)"
    " STRICT;"
    "CREATE INDEX announcement_source ON announcement(source, from_ns) WHERE ended_ns = 0;"
    /* changes that stay; kind: rhythm, format; was, now: of a format, thousandths that are parsed; announcement 0: not
     * announced */
    "CREATE TABLE logging_change (source BLOB NOT NULL, kind TEXT NOT NULL, from_ns INTEGER NOT NULL,"
    " found_ns INTEGER NOT NULL, name TEXT NOT NULL, was INTEGER NOT NULL, now INTEGER NOT NULL,"
    " announcement INTEGER NOT NULL, PRIMARY KEY (source, kind, from_ns)) STRICT, WITHOUT ROWID;"
    "ALTER TABLE loss ADD COLUMN announcement INTEGER NOT NULL DEFAULT 0;",

    /* what became of a source's records by hour since 1970 (source_hour.c); durable: of how many it is known how long
     * they waited for the disk, wait_us together */
    "CREATE TABLE source_hour (source BLOB NOT NULL, hour INTEGER NOT NULL, received INTEGER NOT NULL,"
    " parsed INTEGER NOT NULL, durable INTEGER NOT NULL, wait_us INTEGER NOT NULL, wait_max_us INTEGER NOT NULL,"
    " PRIMARY KEY (source, hour)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX source_hour_hour ON source_hour(hour);"
    "CREATE INDEX loss_source ON loss(source, from_ns);",

    /* objects as order 52/NK, Annex 1 asks for them (card.h): version: one more with each change; days are texts,
     * empty: not yet; private: its owner is outside the state; object_version: cards as they were saved, how many
     * values differ and, as many as fit, which; object_draft:
     * what is being filled in and holds nothing yet */
    "ALTER TABLE object ADD COLUMN version INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE object ADD COLUMN critical_day TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE object ADD COLUMN private INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE object ADD COLUMN trial_day TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE object ADD COLUMN trial_end_day TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE object ADD COLUMN industrial_day TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE object ADD COLUMN discontinued_day TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE contact ADD COLUMN post TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE contact ADD COLUMN since TEXT NOT NULL DEFAULT '';"
    "CREATE TABLE object_field (object INTEGER NOT NULL REFERENCES object(id) ON DELETE CASCADE, field TEXT NOT NULL,"
    " value TEXT NOT NULL, PRIMARY KEY (object, field)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE object_means (object INTEGER NOT NULL REFERENCES object(id) ON DELETE CASCADE,"
    " place INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, purpose TEXT NOT NULL, version TEXT NOT NULL,"
    " addresses TEXT NOT NULL, domains TEXT NOT NULL, reserve TEXT NOT NULL, PRIMARY KEY (object, place))"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE object_document (object INTEGER NOT NULL REFERENCES object(id) ON DELETE CASCADE,"
    " place INTEGER NOT NULL, kind TEXT NOT NULL, title TEXT NOT NULL, approved TEXT NOT NULL,"
    " approved_by TEXT NOT NULL, file TEXT NOT NULL, sha256 TEXT NOT NULL, kept TEXT NOT NULL,"
    " PRIMARY KEY (object, place)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE object_version (object INTEGER NOT NULL REFERENCES object(id) ON DELETE CASCADE,"
    " version INTEGER NOT NULL, time_ns INTEGER NOT NULL, who TEXT NOT NULL, reason TEXT NOT NULL,"
    " sha256 TEXT NOT NULL, changes INTEGER NOT NULL, changed TEXT NOT NULL, card TEXT NOT NULL,"
    " PRIMARY KEY (object, version))"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE object_draft (object INTEGER PRIMARY KEY REFERENCES object(id) ON DELETE CASCADE,"
    " time_ns INTEGER NOT NULL, who TEXT NOT NULL, version INTEGER NOT NULL, card TEXT NOT NULL) STRICT;",

    /* terms of all subjects in one register (term_ask.c): whose object each is of, and ways to each state in the order
     * of their ends */
    "ALTER TABLE clock ADD COLUMN object INTEGER NOT NULL DEFAULT 0;"
    "UPDATE clock SET object = coalesce(CASE subject WHEN 0 THEN (SELECT object FROM incident WHERE id = item)"
    " WHEN 1 THEN (SELECT object FROM findings WHERE id = item)"
    " WHEN 2 THEN (SELECT object FROM vulnerability WHERE id = item) ELSE item END, 0);"
    "CREATE INDEX clock_state ON clock(state, due_ns);"
    "CREATE INDEX clock_late ON clock(due_ns) WHERE state = 1 AND met_ns > due_ns;"
    "CREATE INDEX clock_object ON clock(object, state, due_ns);"
    "CREATE INDEX clock_rule ON clock(rule, state, due_ns);"
    "CREATE INDEX clock_kind ON clock(subject, state, due_ns);",

    /* patterns that people put into use (parser_use.c): draft: parser_draft.id; ended_ns 0: it is in use */
    "CREATE TABLE parser_use (id INTEGER PRIMARY KEY, draft INTEGER NOT NULL, name TEXT NOT NULL,"
    " version INTEGER NOT NULL, from_ns INTEGER NOT NULL, ended_ns INTEGER NOT NULL, who TEXT NOT NULL,"
    " reason TEXT NOT NULL, ended_by TEXT NOT NULL, ended_why TEXT NOT NULL, outgoing INTEGER NOT NULL,"
    " record INTEGER) STRICT;"
    "CREATE UNIQUE INDEX parser_use_now ON parser_use(name) WHERE ended_ns = 0;"
    "CREATE INDEX parser_use_name ON parser_use(name);"
    "CREATE INDEX parser_use_outgoing ON parser_use(outgoing) WHERE record IS NULL;"
    "CREATE INDEX parser_draft_version ON parser_draft(name, version);",

    /* files of scanners that people gave (upload.h). upload: name: of the file, file: web's number of it, staged: bytes
     * of its parts, basis: the newest report when it was counted, cleared: nothing is left of it but this row; part:
     * body: a list of findings; print: what it has; host: stranger: no asset of the object; count: enum upload_fate */
    "CREATE TABLE upload (id INTEGER PRIMARY KEY AUTOINCREMENT, object INTEGER NOT NULL REFERENCES object(id),"
    " origin TEXT NOT NULL, control INTEGER NOT NULL, title TEXT NOT NULL, name TEXT NOT NULL, who TEXT NOT NULL,"
    " received_ns INTEGER NOT NULL, made_ns INTEGER NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL,"
    " file INTEGER NOT NULL, state INTEGER NOT NULL, fault TEXT NOT NULL DEFAULT '', detail TEXT NOT NULL DEFAULT '',"
    " line INTEGER NOT NULL DEFAULT 0, format TEXT NOT NULL DEFAULT '', scanner TEXT NOT NULL DEFAULT '',"
    " findings INTEGER NOT NULL DEFAULT 0, hosts INTEGER NOT NULL DEFAULT 0, passed INTEGER NOT NULL DEFAULT 0,"
    " broken INTEGER NOT NULL DEFAULT 0, cut INTEGER NOT NULL DEFAULT 0, parts INTEGER NOT NULL DEFAULT 0,"
    " staged INTEGER NOT NULL DEFAULT 0, counted INTEGER NOT NULL DEFAULT 0, decided INTEGER NOT NULL DEFAULT 0,"
    " repeated INTEGER NOT NULL DEFAULT 0, counted_ns INTEGER NOT NULL DEFAULT 0, basis INTEGER NOT NULL DEFAULT 0,"
    " report INTEGER NOT NULL DEFAULT 0, accepted_by TEXT NOT NULL DEFAULT '', ended_ns INTEGER NOT NULL DEFAULT 0,"
    " cleared INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE INDEX upload_state ON upload(state) WHERE cleared = 0;"
    "CREATE TABLE upload_part (upload INTEGER NOT NULL, part INTEGER NOT NULL, count INTEGER NOT NULL,"
    " body TEXT NOT NULL, PRIMARY KEY (upload, part)) STRICT;"
    "CREATE TABLE upload_print (upload INTEGER NOT NULL, print BLOB NOT NULL, PRIMARY KEY (upload, print)) STRICT,"
    " WITHOUT ROWID;"
    "CREATE TABLE upload_host (upload INTEGER NOT NULL, host TEXT NOT NULL, stranger INTEGER NOT NULL,"
    " PRIMARY KEY (upload, host)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE upload_count (upload INTEGER NOT NULL, fate INTEGER NOT NULL, severity INTEGER NOT NULL,"
    " count INTEGER NOT NULL, PRIMARY KEY (upload, fate, severity)) STRICT, WITHOUT ROWID;",

    /* tokens of programs (api_token.h): digest: SHA-256; scopes: bits, in the order of api_token.c; addresses: networks
     * with commas, empty: any; used_count: changes of the address on used_day; ended_ns 0: nobody ended it */
    "CREATE TABLE api_token (id INTEGER PRIMARY KEY AUTOINCREMENT, digest TEXT NOT NULL UNIQUE,"
    " user INTEGER NOT NULL REFERENCES user(id), name TEXT NOT NULL, scopes INTEGER NOT NULL, addresses TEXT NOT NULL,"
    " made_ns INTEGER NOT NULL, until_ns INTEGER NOT NULL, used_ns INTEGER NOT NULL, used_address TEXT NOT NULL,"
    " used_day INTEGER NOT NULL, used_count INTEGER NOT NULL, ended_ns INTEGER NOT NULL, ended_by TEXT NOT NULL)"
    " STRICT;"
    "CREATE INDEX api_token_user ON api_token(user);"
    "CREATE INDEX outbox_failed ON outbox(id) WHERE state = 3;",

    /* how an incident became known: enum duty_origin, and when somebody else told of it (duty.h) */
    ("ALTER TABLE incident ADD COLUMN origin INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE incident ADD COLUMN told_ns INTEGER NOT NULL DEFAULT 0;"),

    /* second factors of people (factor.h): since_ns 0: none is on, and the secret is empty; step: of the code that was
     * taken last; next: a secret that waits for its first code since next_ns; reset_ns: when somebody else took the
     * factor away and the person has not yet said that he knows; factor_code: single-use codes, digest: SHA-256,
     * used_ns 0: not yet; half_session: a password was right and a code is wanted. Roles that must have a factor: meta
     * "factor_roles", a bit each */
    "CREATE TABLE factor (user INTEGER PRIMARY KEY REFERENCES user(id) ON DELETE CASCADE, secret BLOB NOT NULL,"
    " step INTEGER NOT NULL, since_ns INTEGER NOT NULL, next BLOB NOT NULL, next_ns INTEGER NOT NULL,"
    " reset_ns INTEGER NOT NULL, reset_by TEXT NOT NULL, reset_why TEXT NOT NULL) STRICT;"
    "CREATE TABLE factor_code (user INTEGER NOT NULL REFERENCES user(id) ON DELETE CASCADE, digest TEXT NOT NULL,"
    " used_ns INTEGER NOT NULL, PRIMARY KEY (user, digest)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE half_session (token TEXT PRIMARY KEY, user INTEGER NOT NULL REFERENCES user(id) ON DELETE CASCADE,"
    " opened_ns INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX half_session_user ON half_session(user, opened_ns);",
    /* surveys of objects (survey.h): kind: of data/surveys.tsv; main: of a control one; days since 1970; year: of its
     * first day; state: enum survey_state; findings: the report with what a survey of vulnerabilities found; put_off:
     * how often. survey_plan: version: one more with every change of a survey of the object in the year */
    "CREATE TABLE survey (id INTEGER PRIMARY KEY, number TEXT NOT NULL, object INTEGER NOT NULL REFERENCES object(id),"
    " kind TEXT NOT NULL, control INTEGER NOT NULL, main INTEGER NOT NULL, year INTEGER NOT NULL,"
    " first_day INTEGER NOT NULL, last_day INTEGER NOT NULL, state INTEGER NOT NULL, version INTEGER NOT NULL,"
    " responsible TEXT NOT NULL, notes TEXT NOT NULL, agreed_ns INTEGER NOT NULL, agreed_by TEXT NOT NULL,"
    " reference TEXT NOT NULL, started_ns INTEGER NOT NULL, finished_ns INTEGER NOT NULL, sent_ns INTEGER NOT NULL,"
    " findings INTEGER NOT NULL, put_off INTEGER NOT NULL, who TEXT NOT NULL, made_ns INTEGER NOT NULL) STRICT;"
    "CREATE INDEX survey_object ON survey(object, year);"
    "CREATE INDEX survey_year ON survey(year, first_day, last_day, state);"
    "CREATE UNIQUE INDEX survey_pair ON survey(main) WHERE main > 0 AND state <> 5;"
    "CREATE TABLE survey_plan (object INTEGER NOT NULL, year INTEGER NOT NULL, version INTEGER NOT NULL,"
    " PRIMARY KEY (object, year)) STRICT, WITHOUT ROWID;",
    /* reports (report.h): content: the text that sha256 is of, which never changes; left_out: rows that found no place
     * in it. And ways to what they count, by when it was. */
    "CREATE TABLE report (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, object INTEGER NOT NULL,"
    " from_ns INTEGER NOT NULL, to_ns INTEGER NOT NULL, made_ns INTEGER NOT NULL, who TEXT NOT NULL,"
    " archive_size INTEGER NOT NULL, edition TEXT NOT NULL, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL,"
    " left_out INTEGER NOT NULL, content TEXT NOT NULL) STRICT;"
    "CREATE INDEX report_bytes ON report(bytes);"
    "CREATE INDEX incident_detected ON incident(detected_ns, state, kind, object);"
    "CREATE INDEX incident_confirmed ON incident(confirmed_ns) WHERE confirmed_ns > 0;"
    "CREATE INDEX incident_closed ON incident(closed_ns) WHERE closed_ns > 0;"
    "CREATE INDEX vulnerability_found ON vulnerability(found_ns, object, severity, state);"
    "CREATE INDEX vulnerability_fixed ON vulnerability(fixed_ns, severity, object) WHERE fixed_ns > 0;"
    "CREATE INDEX vulnerability_closed ON vulnerability(closed_ns, severity, object) WHERE closed_ns > 0;"
    "CREATE INDEX clock_trigger ON clock(trigger_ns, rule, state);"
    "CREATE INDEX object_version_time ON object_version(time_ns, object);",

    /* lists of indicators that people gave (own_list.h). own_list: standing: own_list_version.id, 0: none stands;
     * own_list_version: number: 0 until it was taken; name: of the file, file: web's number of it, basis: the version
     * that stood when it was read, stored: bytes of its parts, cleared: they are gone; own_list_part: body: lines of
     * CSV; own_list_step: version: its number */
    "CREATE TABLE own_list (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,"
    " standing INTEGER NOT NULL DEFAULT 0, expires_ns INTEGER NOT NULL DEFAULT 0, since_ns INTEGER NOT NULL DEFAULT 0)"
    " STRICT;"
    "CREATE TABLE own_list_version (id INTEGER PRIMARY KEY AUTOINCREMENT, list INTEGER NOT NULL REFERENCES "
    "own_list(id),"
    " state INTEGER NOT NULL, number INTEGER NOT NULL DEFAULT 0, source TEXT NOT NULL, confidence INTEGER NOT NULL,"
    " expires_ns INTEGER NOT NULL, name TEXT NOT NULL, who TEXT NOT NULL, made_ns INTEGER NOT NULL,"
    " read_ns INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL, file INTEGER NOT NULL,"
    " basis INTEGER NOT NULL DEFAULT 0, fault TEXT NOT NULL DEFAULT '', detail TEXT NOT NULL DEFAULT '',"
    " address INTEGER NOT NULL DEFAULT 0, domain INTEGER NOT NULL DEFAULT 0, hash INTEGER NOT NULL DEFAULT 0,"
    " url INTEGER NOT NULL DEFAULT 0, repeated INTEGER NOT NULL DEFAULT 0, revoked INTEGER NOT NULL DEFAULT 0,"
    " passed INTEGER NOT NULL DEFAULT 0, refused INTEGER NOT NULL DEFAULT 0, fresh INTEGER NOT NULL DEFAULT 0,"
    " changed INTEGER NOT NULL DEFAULT 0, same INTEGER NOT NULL DEFAULT 0, gone INTEGER NOT NULL DEFAULT 0,"
    " preview TEXT NOT NULL DEFAULT '', parts INTEGER NOT NULL DEFAULT 0, stored INTEGER NOT NULL DEFAULT 0,"
    " taken_by TEXT NOT NULL DEFAULT '', ended_ns INTEGER NOT NULL DEFAULT 0, cleared INTEGER NOT NULL DEFAULT 0)"
    " STRICT;"
    "CREATE INDEX own_list_version_list ON own_list_version(list, number);"
    "CREATE INDEX own_list_version_state ON own_list_version(state) WHERE cleared = 0;"
    "CREATE TABLE own_list_part (version INTEGER NOT NULL, part INTEGER NOT NULL, body BLOB NOT NULL,"
    " PRIMARY KEY (version, part)) STRICT;"
    "CREATE TABLE own_list_step (id INTEGER PRIMARY KEY AUTOINCREMENT, list INTEGER NOT NULL, version INTEGER NOT NULL,"
    " act TEXT NOT NULL, time_ns INTEGER NOT NULL, who TEXT NOT NULL, reason TEXT NOT NULL,"
    " expires_ns INTEGER NOT NULL, outgoing INTEGER NOT NULL, record INTEGER) STRICT;"
    "CREATE INDEX own_list_step_list ON own_list_step(list, id);"
    "CREATE INDEX own_list_step_outgoing ON own_list_step(outgoing) WHERE record IS NULL;",

    /* documents of objects (document.h): kind: of order 52/NK, Annex 3; days are texts, empty: not said; reviewed: the
     * day of the last look through, counted: the day that the term to review counts from. file: form, state: enums of
     * document_inside.h, file: web's number of it while it comes. judgement: judged_ns 0: it waits, tree: size of the
     * archive's newest checkpoint then, report: JSON, empty with a fault */
    "CREATE TABLE document (id INTEGER PRIMARY KEY AUTOINCREMENT, object INTEGER NOT NULL REFERENCES object(id),"
    " kind TEXT NOT NULL, title TEXT NOT NULL, who TEXT NOT NULL, made_ns INTEGER NOT NULL,"
    " reviewed TEXT NOT NULL DEFAULT '', counted TEXT NOT NULL DEFAULT '', ended_ns INTEGER NOT NULL DEFAULT 0,"
    " ended_by TEXT NOT NULL DEFAULT '', ended_why TEXT NOT NULL DEFAULT '') STRICT;"
    "CREATE INDEX document_object ON document(object);"
    "CREATE TABLE document_version (id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " document INTEGER NOT NULL REFERENCES document(id), number INTEGER NOT NULL, language TEXT NOT NULL,"
    " pages INTEGER NOT NULL, approved TEXT NOT NULL, approved_by TEXT NOT NULL, note TEXT NOT NULL,"
    " who TEXT NOT NULL, made_ns INTEGER NOT NULL, UNIQUE (document, number)) STRICT;"
    "CREATE TABLE document_file (id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " version INTEGER NOT NULL REFERENCES document_version(id), form INTEGER NOT NULL, name TEXT NOT NULL,"
    " bytes INTEGER NOT NULL, sha256 TEXT NOT NULL, file INTEGER NOT NULL, state INTEGER NOT NULL,"
    " fault TEXT NOT NULL, who TEXT NOT NULL, made_ns INTEGER NOT NULL) STRICT;"
    "CREATE INDEX document_file_version ON document_file(version);"
    "CREATE INDEX document_file_coming ON document_file(id) WHERE state = 0;"
    "CREATE INDEX document_file_sha256 ON document_file(sha256, bytes);"
    "CREATE TABLE document_judgement (id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " file INTEGER NOT NULL REFERENCES document_file(id), who TEXT NOT NULL, asked_ns INTEGER NOT NULL,"
    " judged_ns INTEGER NOT NULL, verdict INTEGER NOT NULL, fault TEXT NOT NULL, tree INTEGER NOT NULL,"
    " report TEXT NOT NULL) STRICT;"
    "CREATE INDEX document_judgement_file ON document_judgement(file);"
    "CREATE INDEX document_judgement_waits ON document_judgement(id) WHERE judged_ns = 0;"
    /* what does not meet the documentation; document 0: it is about none; mended: a day, empty: it stands */
    "CREATE TABLE document_violation (id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " object INTEGER NOT NULL REFERENCES object(id), document INTEGER NOT NULL, found TEXT NOT NULL,"
    " requirement TEXT NOT NULL, what TEXT NOT NULL, who TEXT NOT NULL, made_ns INTEGER NOT NULL,"
    " mended TEXT NOT NULL DEFAULT '', measure TEXT NOT NULL DEFAULT '', mended_by TEXT NOT NULL DEFAULT '',"
    " mended_ns INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE INDEX document_violation_object ON document_violation(object);",
};

const size_t desk_schema_count = ARRAY_LEN(desk_schema);
