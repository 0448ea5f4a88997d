/* config.h - the service's options: one row of CONFIG_OPTIONS makes the key, its default, its limits and its help.
 *
 * The file DATA/qorgan.conf holds lines `key value`; # begins a comment. `--set key=value` overrides a line for one
 * start. An unknown key or a value out of its limits is refused with file and line. */
#ifndef ROLE_CONFIG_H
#define ROLE_CONFIG_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* member, key, default, least, most, help */
#define CONFIG_NUMBERS(X)                                                                                              \
    X(syslog_port, "syslog-port", 5514, 0, 65535, "port for syslog over UDP and TCP; 0 turns both off")                \
    X(syslog_tls_port, "syslog-tls-port", 6514, 0, 65535, "port for syslog over TLS (RFC 5425); 0 turns it off")       \
    X(relp_port, "relp-port", 0, 0, 65535, "port for syslog over RELP, whose senders get answers; 0 turns it off")     \
    X(relp_tls_port, "relp-tls-port", 0, 0, 65535, "port for syslog over RELP over TLS; 0 turns it off")               \
    X(http_port, "http-port", 0, 0, 65535, "port for senders over HTTP, plain: to be used behind a proxy; 0: off")     \
    X(http_tls_port, "http-tls-port", 0, 0, 65535, "port for senders over HTTPS; 0 turns it off")                      \
    X(beats_port, "beats-port", 0, 0, 65535, "port for Lumberjack, which Beats and Logstash speak; 0 turns it off")    \
    X(beats_tls_port, "beats-tls-port", 0, 0, 65535, "port for Lumberjack over TLS; 0 turns it off")                   \
    X(gelf_port, "gelf-port", 0, 0, 65535, "port for GELF over UDP and TCP; 0 turns both off")                         \
    X(gelf_tls_port, "gelf-tls-port", 0, 0, 65535, "port for GELF over TLS; 0 turns it off")                           \
    X(snmp_port, "snmp-port", 0, 0, 65535, "port for SNMP traps and informs over UDP; 0 turns it off")                 \
    X(netflow_port, "netflow-port", 0, 0, 65535, "port for NetFlow 5, 9, IPFIX over UDP, IPFIX over TCP; 0: off")      \
    X(netflow_tls_port, "netflow-tls-port", 0, 0, 65535, "port for IPFIX over TLS; 0 turns it off")                    \
    X(wef_port, "wef-port", 0, 0, 65535, "port for Windows Event Forwarding over HTTPS, 5986 in Windows; 0: off")      \
    X(agent_port, "agent-port", 6515, 0, 65535, "port that agents deliver to (TLS); 0 turns it off")                   \
    X(web_port, "web-port", 8443, 1, 65535, "port of the web pages (HTTPS)")                                           \
    X(api_calls_a_minute, "api-calls-a-minute", 3000, 1, 600000, "calls of the API that one token or user may make")   \
    X(intakes, "intakes", 0, 0, 32, "intake processes; 0 = one a core, at most 4")                                     \
    X(engines, "engines", 0, 0, 32, "engine processes; 0 = one a core, at most 8")                                     \
    X(connections, "connections", 12000, 16, 1000000, "connections of senders that one intake process holds")          \
    X(idle_s, "idle-s", 3600, 5, 864000, "seconds after which a sender's silent connection is closed")                 \
    X(record_max, "record-max", 1048576, 1024, 1048576, "bytes of the longest record; longer ones are cut, counted")   \
    X(log_file_mib, "log-file-mib", 64, 1, 1024, "size of one log file, which becomes one segment")                    \
    X(log_rotate_s, "log-rotate-s", 3600, 10, 86400, "seconds after which a log file is sealed though not full")       \
    X(zone_offset_s, "zone-offset-s", 18000, -50400, 50400, "the objects' zone, seconds east of UTC")                  \
    X(uid_base, "uid-base", 62100, 0, 4000000000, "first of the user ids that processes take when started by root")    \
    X(witness_interval_s, "witness-interval-s", 10, 1, 3600, "seconds between two checkpoints sent to the witnesses")  \
    X(timestamp_interval_s, "timestamp-interval-s", 86400, 60, 31536000, "seconds between two time stamps")            \
    X(mirror_rate_mib, "mirror-rate-mib", 32, 1, 4096, "MiB a second that one mirror may pull")                        \
    X(mirror_silent, "mirror-silent", 5, 1, 1000, "intervals without a pull after which a mirror is called silent")    \
    X(receiver_late_s, "receiver-late-s", 900, 60, 864000,                                                             \
      "seconds a record may wait for a receiver, which is late then")                                                  \
    X(agent_silent_s, "agent-silent-s", 300, 10, 864000,                                                               \
      "seconds after which an agent that was not heard is silent; all are heard once a minute")                        \
    X(keep_days, "keep-days", 1096, 1, 36525, "days that records are kept; not fewer than the acts ask for")           \
    X(hot_days, "hot-days", 62, 62, 36525, "days after which segments are packed smaller; two months stay at hand")    \
    X(indicator_days, "indicator-days", 0, 0, 36525, "days from its date after which an indicator ends; 0: never")     \
    X(indicator_hunt_minutes, "indicator-hunt-minutes", 60, 0, 10080,                                                  \
      "minutes between two hunts over the archive for what is new in lists")                                           \
    X(time_lost_s, "time-lost-s", 900, 60, 864000,                                                                     \
      "seconds a clock, an agent's too, may follow no source of time before that is an incident")                      \
    X(canary_s, "canary-s", 300, 0, 86400, "seconds between two canaries of the service's own; 0 makes none")          \
    X(coverage_days, "coverage-days", 7, 0, 366, "days a source is known before what it lacks is a finding")           \
    X(documents_mib, "documents-mib", 4096, 64, 1048576, "MiB that files of objects' documents may have, of all")      \
    X(collect_journal, "collect-journal", 1, 0, 1, "collect this machine's journal")                                   \
    X(privileges, "sandbox", 1, 0, 1, "0 runs without seccomp and Landlock: only to look for a fault")

/* member, key, default, help */
#define CONFIG_TEXTS(X)                                                                                                \
    X(site, "site", "qorgan", "name of this installation; first part of the archive's origin")                         \
    X(syslog_address, "syslog-address", "127.0.0.1", "address that syslog and other senders' protocols listen on")     \
    X(agent_address, "agent-address", "127.0.0.1", "address that agents deliver to")                                   \
    X(agent_servers, "agent-servers", "", "HOST:PORT by which agents reach this server, with commas; empty: its name") \
    X(agent_relays, "agent-relays", "", "relays (ADDRESS or ADDRESS/BITS, blanks between) that say whom they pass on") \
    X(web_address, "web-address", "127.0.0.1", "address that the web pages listen on")                                 \
    X(tls_certificate, "tls-certificate", "", "PEM file; empty: made at first start in DATA/keys")                     \
    X(tls_key, "tls-key", "", "PEM file of its private key")                                                           \
    X(tls_client_ca, "tls-client-ca", "", "PEM file: senders over TLS then have to show certificates")                 \
    X(syslog_senders, "syslog-senders", "",                                                                            \
      "addresses, networks that syslog over UDP, TCP is taken from, separated by blanks; empty: any")                  \
    X(gelf_senders, "gelf-senders", "", "the same for GELF over UDP and TCP")                                          \
    X(snmp_senders, "snmp-senders", "", "the same for SNMP")                                                           \
    X(netflow_senders, "netflow-senders", "", "the same for NetFlow and IPFIX over UDP and TCP")                       \
    X(snmp_communities, "snmp-communities", "", "file of the communities that are taken, one a line; empty: any")      \
    X(snmp_users, "snmp-users", "", "file of the users of SNMP version 3: NAME HASH PASSWORD [aes PASSWORD]")          \
    X(wef_client_ca, "wef-client-ca", "", "PEM file: who vouches for computers that forward; needed with wef-port")    \
    X(wef_subscriptions, "wef-subscriptions", "", "file of what they are asked to forward; empty: that of qorgan")     \
    X(collect_files, "collect-files", "/var/log",                                                                      \
      "files and folders to follow, separated by blanks; *, ? and [a-z] stand within a part of a path")                \
    X(collect_join, "collect-join", "",                                                                                \
      "which lines of files are one record: PATH timestamp, PATH pattern=PATTERN; rules with ; between "               \
      "(qorgan-agent(1))")                                                                                             \
    X(collect_journal_folder, "collect-journal-folder", "", "folder of journal files; empty: this machine's own")      \
    X(rules, "rules", "", "folders of Sigma rules, separated by blanks, read anew at SIGHUP; empty: those of qorgan")  \
    X(indicators, "indicators", "", "folders of lists of indicators, separated by blanks, read anew when they change") \
    X(parsers, "parsers", "", "folder of this site's own patterns, read anew at SIGHUP; empty: none")                  \
    X(witness_policy, "witness-policy", "", "file of the witnesses and their quorum (C2SP tlog-policy); empty: none")  \
    X(witness_ca, "witness-ca", "", "PEM file: who vouches for https of witnesses and time stamps; empty: the system") \
    X(timestamp_url, "timestamp-url", "", "address of a time-stamp authority (RFC 3161); empty: no time stamps")       \
    X(timestamp_ca, "timestamp-ca", "", "PEM file of the authority's root certificates; needed with timestamp-url")    \
    X(receivers, "receivers", "/var/lib/qorgan-forward",                                                               \
      "folder of the forwarders' folders, for the page of receivers")                                                  \
    X(encryption, "encryption", "off", "where the master keys are: off, file:PATH, credential:NAME, pkcs11:URI")       \
    X(keep_days_sources, "keep-days-sources", "", "sources kept otherwise: SOURCE=DAYS, separated by blanks")          \
    X(time_servers, "time-servers", "",                                                                                \
      "names and addresses of time servers that clocks may ask, .DOMAIN for all below it; empty: any")                 \
    X(signature_roots, "signature-roots", "",                                                                          \
      "files, folders of root certificates that signatures of documents are judged by, blanks between")                \
    X(signature_certificates, "signature-certificates", "", "the same of certificates between a root and a signer")    \
    X(signature_lists, "signature-lists", "", "the same of lists of revoked certificates (CRL)")                       \
    X(signature_responses, "signature-responses", "", "the same of responders' answers about revocation (OCSP)")       \
    X(party, "party", "owner", "whose duties it has: owner or holder, centre (OCIB), national (STS)")                  \
    X(object, "object", "", "name of the object made at first start; empty: the host's")

struct config {
#define X(member, key, standard, least, most, help) int64_t member;
    CONFIG_NUMBERS(X)
#undef X
#define X(member, key, standard, help) struct str member;
    CONFIG_TEXTS(X)
#undef X
    struct str data;  /* absolute path of the data folder */
    struct str share; /* where data/ and ui/ are */
};

void config_defaults(struct config *ret_config);
/* One "key value" or "key=value"; texts are copied into the arena. */
enum rc config_set(struct config *config, struct str key, struct str value, struct arena *arena,
                   struct err *err) MUST_USE;
/* A whole file; `name` is for messages. */
enum rc config_parse(struct config *config, struct str text, const char *name, struct arena *arena,
                     struct err *err) MUST_USE;
/* Writes everything so that config_parse reads it back: how the parent tells its children. */
void config_write(const struct config *config, struct buf *out);
/* For help and the man page: "key\tdefault\thelp\n" lines. */
void config_help(struct buf *out);

#endif
