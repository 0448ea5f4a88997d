/* commands.c - every command and option of `qorgan`, one row each. A new option is a row here and nothing else. */
#include "cmd/options.h"

#include <string.h>

/* The two options that every command has. */
#define OPTION_DATA                                                                                                    \
    {                                                                                                                  \
        .name = "data", .type = OPTION_TEXT, .argument = "DIR", .standard = "/var/lib/qorgan",                         \
        .help = "the data folder: archive, keys, database and configuration"                                           \
    }
#define OPTION_JSON                                                                                                    \
    {                                                                                                                  \
        .name = "json", .type = OPTION_FLAG, .help = "print one JSON object a line"                                    \
    }

#define OPTION_LANG                                                                                                    \
    {                                                                                                                  \
        .name = "lang", .type = OPTION_TEXT, .argument = "CODE",                                                       \
        .help = "kk, ru or en; else the language of the environment"                                                   \
    }
#define OPTION_ZONE                                                                                                    \
    {                                                                                                                  \
        .name = "zone", .type = OPTION_TEXT, .argument = "+HH:MM",                                                     \
        .help = "the zone that times are shown in; else that of the configuration"                                     \
    }

static const struct option_row serve_rows[] = {
    OPTION_DATA,
    {.name = "set",
     .type = OPTION_LIST,
     .argument = "KEY=VALUE",
     .help = "override one line of the configuration for this start"},
    {.name = "new-instance",
     .type = OPTION_FLAG,
     .help = "go on although the archive is behind its last checkpoint: a new instance, under a new key"},
};

static const struct option_row ingest_rows[] = {
    OPTION_DATA,
    OPTION_JSON,
    {.name = "name",
     .type = OPTION_TEXT,
     .argument = "NAME",
     .help = "the source's name; without it the file's path is used"},
    {.name = "watch",
     .type = OPTION_FLAG,
     .help = "the operands are folders: files laid there are imported, then moved to done/ or refused/ in them"},
    {.name = "settle",
     .type = OPTION_NUMBER,
     .argument = "SECONDS",
     .standard = "10",
     .least = 0,
     .most = 3600,
     .help = "with --watch: how long nothing of a file must have changed before it is taken"},
};

static const struct option_row search_rows[] = {
    OPTION_DATA,
    OPTION_JSON,
    {.name = "from", .type = OPTION_TIME, .argument = "TIME", .help = "only events at or after this time"},
    {.name = "to", .type = OPTION_TIME, .argument = "TIME", .help = "only events before this time"},
    {.name = "limit",
     .type = OPTION_NUMBER,
     .argument = "N",
     .standard = "100",
     .least = 1,
     .most = 1000000,
     .help = "the most events or rows to print; when it is not given, tables and the query's own head are not cut"},
    {.name = "raw", .type = OPTION_FLAG, .help = "print the raw records only, byte for byte, one a line"},
    {.name = "csv", .type = OPTION_FLAG, .help = "print comma-separated values below a line of names"},
    {.name = "explain",
     .type = OPTION_FLAG,
     .help = "say how the answer was found: what was passed over, read and decoded"},
};

static const struct option_row verify_rows[] = {
    OPTION_DATA,
    OPTION_JSON,
};

static const struct option_row doctor_rows[] = {
    OPTION_DATA,
    OPTION_JSON,
    {.name = "checkpoint",
     .type = OPTION_LIST,
     .argument = "FILE",
     .help = "a signed note of this archive kept elsewhere (witness, mirror, daily sheet), to compare with"},
};

static const struct option_row proof_rows[] = {
    OPTION_DATA,
    OPTION_JSON,
    {.name = "out", .type = OPTION_TEXT, .argument = "FILE", .help = "write the proof to a file"},
    OPTION_LANG,
    OPTION_ZONE,
    {.name = "plain", .type = OPTION_FLAG, .help = "one record's C2SP tlog-proof alone, without a part for people"},
};

static const struct option_row certificate_rows[] = {
    OPTION_DATA,
    OPTION_JSON,
    {.name = "source", .type = OPTION_TEXT, .required = true, .argument = "NAME", .help = "the source's name"},
    {.name = "kind",
     .type = OPTION_TEXT,
     .argument = "KIND",
     .help = "its kind (udp, tcp, tls, file, journal, import), when several have that name"},
    {.name = "date", .type = OPTION_TEXT, .required = true, .argument = "DAY", .help = "the day, as 2026-11-27"},
    OPTION_LANG,
    OPTION_ZONE,
    {.name = "out", .type = OPTION_TEXT, .argument = "FILE", .help = "write the certificate to a file"},
    {.name = "unsealed",
     .type = OPTION_FLAG,
     .help = "without a record in the log, also while no service runs; only who has the archive can check its counts"},
};

static const struct option_row export_rows[] = {
    OPTION_DATA,
    OPTION_JSON,
    {.name = "out",
     .type = OPTION_TEXT,
     .required = true,
     .argument = "DIR",
     .help = "the folder for the files; made when missing"},
    {.name = "class",
     .type = OPTION_TEXT,
     .argument = "CLASS",
     .standard = "auto",
     .help = "whose columns: os, windows, database, network, application, protection; auto: by each record's source"},
    {.name = "format",
     .type = OPTION_TEXT,
     .argument = "FORM",
     .standard = "statutory",
     .help = "statutory (order 52/НҚ, Annex 4), csv or json"},
    {.name = "from", .type = OPTION_TIME, .argument = "TIME", .help = "only events at or after this time"},
    {.name = "to", .type = OPTION_TIME, .argument = "TIME", .help = "only events before this time"},
    {.name = "own",
     .type = OPTION_FLAG,
     .help = "with the records that Qorgan wrote itself, of gaps and of its own acts"},
    {.name = "split", .type = OPTION_TEXT, .argument = "LIST", .help = "a file for each day, source, or day,source"},
    {.name = "delimiter",
     .type = OPTION_TEXT,
     .argument = "CHAR",
     .standard = ";",
     .help = "between the values of the statutory form: ; , | or tab"},
    OPTION_LANG,
    OPTION_ZONE,
};

static const struct option_row detect_rows[] = {
    OPTION_DATA,
    OPTION_JSON,
    {.name = "rules",
     .type = OPTION_LIST,
     .required = true,
     .argument = "DIR",
     .help = "a folder of Sigma rules, read with its subfolders"},
    {.name = "indicators",
     .type = OPTION_LIST,
     .argument = "PATH",
     .help = "a list of addresses, domains, hashes or URLs, or a folder of such"},
};

static const struct option_row parse_rows[] = {
    OPTION_DATA,
    OPTION_JSON,
    {.name = "explain",
     .type = OPTION_FLAG,
     .help = "print the pattern as well, or of a line that none takes the nearest one and where it stops"},
    {.name = "failed", .type = OPTION_FLAG, .help = "print only lines that are not parsed"},
    {.name = "summary", .type = OPTION_FLAG, .help = "print only the totals by program"},
    {.name = "least",
     .type = OPTION_NUMBER,
     .argument = "PERCENT",
     .standard = "100",
     .least = 0,
     .most = 100,
     .help = "the share of parsed lines below which the exit status is 1"},
    {.name = "name",
     .type = OPTION_TEXT,
     .argument = "NAME",
     .help = "the path that the lines are taken to come from; without it the file's"},
    {.name = "parsers",
     .type = OPTION_TEXT,
     .argument = "DIR",
     .help = "a folder of patterns of this site's own, as the setting parsers names it"},
    {.name = "propose",
     .type = OPTION_FLAG,
     .help = "print one row with a pattern that takes all these lines, 32 at most, what differs as fields"},
    {.name = "sources",
     .type = OPTION_FLAG,
     .help = "print how much of what each source sent to the archive is parsed, and how the rest falls through"},
    {.name = "days",
     .type = OPTION_NUMBER,
     .argument = "DAYS",
     .standard = "14",
     .least = 0,
     .most = 36500,
     .help = "with --sources: only records received within so many days; 0: all"},
};

static const struct option_row rules_rows[] = {
    OPTION_DATA,
    OPTION_JSON,
    {.name = "rules",
     .type = OPTION_LIST,
     .argument = "DIR",
     .help = "test, explain, hunt: take the rules from this folder, not from those of the cases or of the program"},
    {.name = "line", .type = OPTION_TEXT, .argument = "TEXT", .help = "explain: this line instead of a record"},
    {.name = "junit", .type = OPTION_TEXT, .argument = "FILE", .help = "test: write a JUnit report, too"},
    {.name = "indicators",
     .type = OPTION_LIST,
     .argument = "PATH",
     .help = "test, explain: a list of indicators, or a folder of such; test: beside those of the samples"},
    {.name = "require-samples", .type = OPTION_FLAG, .help = "test: a rule without samples fails"},
    {.name = "from", .type = OPTION_TIME, .argument = "TIME", .help = "hunt, diff: only events at or after this time"},
    {.name = "to", .type = OPTION_TIME, .argument = "TIME", .help = "hunt, diff: only events before this time"},
    {.name = "records", .type = OPTION_FLAG, .help = "hunt, diff: print the records, too"},
    {.name = "limit",
     .type = OPTION_NUMBER,
     .argument = "N",
     .standard = "100",
     .least = 1,
     .most = 1000000,
     .help = "hunt, diff: the most records to print"},
    {.name = "every-record",
     .type = OPTION_FLAG,
     .help = "hunt, diff: look at every record in range, whatever the filters say"},
    {.name = "jobs",
     .type = OPTION_NUMBER,
     .argument = "N",
     .least = 1,
     .most = 64,
     .help = "hunt, diff: how many processes look at records; without it one a core"},
    {.name = "explain", .type = OPTION_FLAG, .help = "hunt: say how the answer was found: what was passed over"},
    {.name = "name", .type = OPTION_TEXT, .argument = "NAME", .help = "import, pack: what the pack is called"},
    {.name = "version",
     .type = OPTION_TEXT,
     .argument = "VERSION",
     .help = "import, pack: its version; without it the date and a part of the digest"},
    {.name = "source", .type = OPTION_TEXT, .argument = "TEXT", .help = "import, pack: where the rules come from"},
    {.name = "licence", .type = OPTION_TEXT, .argument = "TEXT", .help = "import, pack: their licence"},
    {.name = "key",
     .type = OPTION_TEXT,
     .argument = "KEY",
     .help = "import: whose signature the pack must have, a verifier key or a file with one; pack: the file of the "
             "signing key, made when it is not there"},
    {.name = "wait",
     .type = OPTION_FLAG,
     .help = "import: the version does not hold yet; page /rules/packs shows what it would change"},
    {.name = "dry-run", .type = OPTION_FLAG, .help = "import: say what would be, and write nothing"},
};

static const struct option_row indicators_rows[] = {
    OPTION_DATA,
    OPTION_JSON,
    {.name = "indicators",
     .type = OPTION_LIST,
     .argument = "PATH",
     .help = "hunt: a list of addresses, domains, hashes or URLs, or a folder of such"},
    {.name = "from", .type = OPTION_TIME, .argument = "TIME", .help = "hunt: only events at or after this time"},
    {.name = "to", .type = OPTION_TIME, .argument = "TIME", .help = "hunt: only events before this time"},
    {.name = "days",
     .type = OPTION_NUMBER,
     .argument = "N",
     .standard = "0",
     .least = 0,
     .most = 36525,
     .help = "indicators without an end end so many days after their date; 0: never"},
    {.name = "all", .type = OPTION_FLAG, .help = "MISP: also attributes that are not meant for detection (to_ids)"},
};

static const struct option_row sheet_rows[] = {
    OPTION_DATA,
    OPTION_JSON,
    {.name = "date",
     .type = OPTION_TEXT,
     .argument = "YYYY-MM-DD",
     .help = "the last checkpoint kept of that day; without it the newest"},
    {.name = "lang", .type = OPTION_TEXT, .argument = "LANGUAGE", .standard = "kk", .help = "kk, ru or en"},
    {.name = "text", .type = OPTION_FLAG, .help = "plain text in place of HTML, without the QR code"},
    {.name = "out", .type = OPTION_TEXT, .argument = "FILE", .help = "write the sheet to a file"},
};

static const struct option_row witness_rows[] = {
    {.name = "data",
     .type = OPTION_TEXT,
     .argument = "DIR",
     .standard = "/var/lib/qorgan-witness",
     .help = "the witness's own folder: its key and what it remembers"},
    OPTION_JSON,
    {.name = "name", .type = OPTION_TEXT, .argument = "NAME", .help = "name of the key that the first start makes"},
    {.name = "log", .type = OPTION_LIST, .argument = "VKEY", .help = "public key of a log that may be cosigned"},
    {.name = "logs",
     .type = OPTION_TEXT,
     .argument = "FILE",
     .help = "file of such keys, one a line; a policy file serves too"},
    {.name = "listen",
     .type = OPTION_TEXT,
     .argument = "ADDRESS",
     .standard = "127.0.0.1",
     .help = "address to listen on"},
    {.name = "port",
     .type = OPTION_NUMBER,
     .argument = "N",
     .standard = "8445",
     .least = 0,
     .most = 65535,
     .help = "port to listen on; 0 takes a free one"},
    {.name = "tls", .type = OPTION_FLAG, .help = "HTTPS, with DIR/tls.crt and DIR/tls.key; made when missing"},
    {.name = "uid",
     .type = OPTION_NUMBER,
     .argument = "N",
     .standard = "62190",
     .least = 1,
     .most = 4000000000,
     .help = "user and group to become when started by root"},
    {.name = "silent",
     .type = OPTION_NUMBER,
     .argument = "SECONDS",
     .standard = "120",
     .least = 1,
     .most = 31536000,
     .help = "a log that has not grown for so long is an alarm"},
    {.name = "show", .type = OPTION_FLAG, .help = "print what was seen of each log, and when, and end"},
};

static const struct option_row demo_rows[] = {
    OPTION_DATA,
    OPTION_JSON,
};

static const struct option_row forward_rows[] = {
    OPTION_DATA,
    OPTION_JSON,
    {.name = "to",
     .type = OPTION_TEXT,
     .required = true,
     .argument = "URL",
     .help = "https://HOST/PATH, syslog+tls://HOST[:6514] (RFC 5425), syslog+tcp://HOST[:514] (RFC 6587), "
             "kafka+tls://HOST[:9093][,HOST...]/TOPIC, nats+tls://HOST[:4222][,HOST...]/SUBJECT; plain kafka+tcp, "
             "nats+tcp"},
    {.name = "state",
     .type = OPTION_TEXT,
     .required = true,
     .argument = "FOLDER",
     .help = "keeps how far records were given on; one for each address, made when missing"},
    {.name = "format",
     .type = OPTION_TEXT,
     .argument = "FORMAT",
     .help = "rfc5424 or cef over syslog; json over https; any of them over kafka and nats, json by itself"},
    {.name = "query",
     .type = OPTION_TEXT,
     .argument = "QUERY",
     .help = "only records that match, as in qorgan-search(1), without |"},
    {.name = "all", .type = OPTION_FLAG, .help = "the archive's own records too, not only what sources sent"},
    {.name = "from",
     .type = OPTION_TEXT,
     .standard = "end",
     .argument = "RECORD",
     .help = "where to begin when there is no position yet: a number, start or end"},
    {.name = "ca", .type = OPTION_TEXT, .argument = "FILE", .help = "certificates that vouch for the receiver (PEM)"},
    {.name = "certificate", .type = OPTION_TEXT, .argument = "FILE", .help = "shown to the receiver (PEM)"},
    {.name = "key", .type = OPTION_TEXT, .argument = "FILE", .help = "of --certificate (PEM)"},
    {.name = "token-file",
     .type = OPTION_TEXT,
     .argument = "FILE",
     .help = "holds the bearer token for https, or the token for nats"},
    {.name = "creds-file",
     .type = OPTION_TEXT,
     .argument = "FILE",
     .help = "holds a user's JWT and the seed of its key, as nsc writes them (.creds), for nats over TLS"},
    {.name = "user",
     .type = OPTION_TEXT,
     .argument = "NAME",
     .help = "who gives records on to kafka (SASL SCRAM) or nats, over TLS"},
    {.name = "password-file", .type = OPTION_TEXT, .argument = "FILE", .help = "holds the password of --user"},
    {.name = "sasl",
     .type = OPTION_TEXT,
     .argument = "MECHANISM",
     .help = "scram-sha-512 or scram-sha-256, for kafka; the first by itself"},
    {.name = "once", .type = OPTION_FLAG, .help = "end when the archive's end is reached"},
    {.name = "no-sandbox", .type = OPTION_FLAG, .help = "without seccomp and Landlock: only to look for a fault"},
};

static const struct option_row mirror_rows[] = {
    OPTION_DATA,
    OPTION_JSON,
    {.name = "from",
     .type = OPTION_TEXT,
     .required = true,
     .argument = "URL",
     .help = "the server to copy, as https://host:port"},
    {.name = "token-file",
     .type = OPTION_TEXT,
     .required = true,
     .argument = "FILE",
     .help = "holds the token that mirror-token printed at the server"},
    {.name = "key", .type = OPTION_TEXT, .argument = "VKEY", .help = "the log's public key: keys/signer.pub"},
    {.name = "policy",
     .type = OPTION_TEXT,
     .argument = "FILE",
     .help = "whose checkpoints are believed (C2SP tlog-policy), in place of --key"},
    {.name = "ca", .type = OPTION_TEXT, .argument = "FILE", .help = "certificates that vouch for the server (PEM)"},
    {.name = "pin",
     .type = OPTION_TEXT,
     .argument = "SHA256",
     .help = "of the server's certificate, in place of --ca; the service prints it at its start"},
    {.name = "witness-key",
     .type = OPTION_TEXT,
     .argument = "FILE",
     .help = "a witness's private key: checkpoints are cosigned, here and for the server"},
    {.name = "interval",
     .type = OPTION_NUMBER,
     .argument = "SECONDS",
     .standard = "10",
     .least = 1,
     .most = 86400,
     .help = "time between two pulls"},
    {.name = "silent",
     .type = OPTION_NUMBER,
     .argument = "SECONDS",
     .standard = "300",
     .least = 1,
     .most = 604800,
     .help = "a server that does not answer, or whose archive does not grow, for so long is told"},
    {.name = "once", .type = OPTION_FLAG, .help = "pull once and exit"},
    {.name = "no-sandbox", .type = OPTION_FLAG, .help = "without seccomp and Landlock: only to look for a fault"},
};

static const struct option_row mirror_token_rows[] = {
    OPTION_DATA,
    OPTION_JSON,
    {.name = "revoke", .type = OPTION_TEXT, .argument = "NAME", .help = "end this mirror's token at once"},
};

static const struct option_row sender_token_rows[] = {
    OPTION_DATA,
    OPTION_JSON,
    {.name = "revoke", .type = OPTION_TEXT, .argument = "NAME", .help = "end this sender's token"},
};

static const struct option_row factor_reset_rows[] = {
    OPTION_DATA,
    OPTION_JSON,
    {.name = "reason",
     .type = OPTION_TEXT,
     .argument = "TEXT",
     .help = "why, one line of ten characters at least: it stands in the record and is shown to the person"},
};

static const struct option_row key_rows[] = {
    OPTION_DATA,
    OPTION_JSON,
};

static const struct option_row version_rows[] = {
    OPTION_DATA,
    OPTION_JSON,
};

static const struct option_row coverage_rows[] = {
    OPTION_DATA,
    OPTION_JSON,
    {.name = "source", .type = OPTION_TEXT, .argument = "NAME", .help = "only the source of this name"},
    {.name = "class",
     .type = OPTION_TEXT,
     .argument = "CLASS",
     .help = "judge as this class: os, windows, database, network, application, protection; else as the class that a "
             "person set, or by the records"},
    {.name = "from", .type = OPTION_TIME, .argument = "TIME", .help = "only events at or after this time"},
    {.name = "to", .type = OPTION_TIME, .argument = "TIME", .help = "only events before this time"},
    {.name = "missing", .type = OPTION_FLAG, .help = "print only what is missing, and what switches it on"},
    OPTION_LANG,
    OPTION_ZONE,
};

static const struct option_row findings_rows[] = {
    OPTION_DATA,
    OPTION_JSON,
};

static const struct option_row signature_rows[] = {
    OPTION_DATA,
    OPTION_JSON,
    {.name = "document",
     .type = OPTION_TEXT,
     .argument = "FILE",
     .help = "the document that lies beside its signature; of one that carries its document, what it must be"},
    {.name = "root",
     .type = OPTION_LIST,
     .argument = "FILE",
     .help = "certificates of authorities that are trusted (PEM, DER or base64); may be given many times"},
    {.name = "certificate",
     .type = OPTION_LIST,
     .argument = "FILE",
     .help = "further certificates, for what the document does not carry; may be given many times"},
    {.name = "crl",
     .type = OPTION_LIST,
     .argument = "FILE",
     .help = "lists of revoked certificates; may be given many times"},
    {.name = "ocsp",
     .type = OPTION_LIST,
     .argument = "FILE",
     .help = "answers of a responder (OCSP, as they came); may be given many times"},
    {.name = "at",
     .type = OPTION_TIME,
     .argument = "TIME",
     .help = "judge what has no time stamp for this time, not for now"},
};

static const struct option_row object_card_rows[] = {
    OPTION_DATA,
    OPTION_JSON,
};

static const struct option_row inventory_rows[] = {
    OPTION_DATA,
    OPTION_JSON,
    {.name = "kind",
     .type = OPTION_TEXT,
     .argument = "KIND",
     .help = "only this kind: package, port, user, group, member, service, system, time, disk, mount, usb, modem, "
             "interface"},
    {.name = "below",
     .type = OPTION_TEXT,
     .argument = "VERSION",
     .help = "of search: only packages of a version below this one, as the tool that installed it orders them"},
};

static const struct option_row losses_rows[] = {
    OPTION_DATA,
    OPTION_JSON,
    {.name = "from", .type = OPTION_TIME, .argument = "TIME", .help = "only losses told at or after this time"},
    {.name = "to", .type = OPTION_TIME, .argument = "TIME", .help = "only losses told before this time"},
    OPTION_LANG,
    OPTION_ZONE,
};

static const struct option_row help_rows[] = {
    OPTION_DATA,
    OPTION_JSON,
    {.name = "mdoc",
     .type = OPTION_FLAG,
     .help = "print the options of the command, or the list of commands, as mdoc source"},
    {.name = "settings", .type = OPTION_FLAG, .help = "print the configuration's settings as mdoc source"},
    {.name = "completion", .type = OPTION_FLAG, .help = "print a completion script for bash"},
};

#define ROWS(rows) rows, ARRAY_LEN(rows)

static const struct command commands[] = {
    {"serve", "run the service", "", 0, 0, ROWS(serve_rows),
     "Runs in the foreground until it gets SIGTERM or SIGINT, and stops cleanly. One server a data folder."},
    {"ingest", "import files into the archive", "FILE...", 1, OPERANDS_ANY, ROWS(ingest_rows),
     "Each line becomes one record. A file named - is standard input. Works while the service runs and while it does "
     "not. With --watch it runs on beside the service and takes what is laid into folders."},
    {"search", "search the archive", "[QUERY]", 0, 1, ROWS(search_rows),
     "Without a query every event matches. The query language is described in qorgan-search(1). Ctrl-C stops a search: "
     "what was found until then is printed."},
    {"verify", "check the whole archive against its checkpoints", "", 0, 0, ROWS(verify_rows),
     "Reads every record, rebuilds the tree and compares it with every signed checkpoint. Exit status 1 means a "
     "difference, which is described."},
    {"doctor", "say what is wrong with a data folder", "", 0, 0, ROWS(doctor_rows),
     "Reads everything, changes nothing, and names what is wrong, what it means and what mends it. Works beside the "
     "service and on a read-only mount. Exit status 1 means a fault."},
    {"proof", "print the proof of records", "RECORD...", 1, OPERANDS_ANY, ROWS(proof_rows),
     "Prints one file that a person reads and qorgan-verify checks offline, without this program."},
    {"certificate", "certify that a source's records of a day are complete", "", 0, 0, ROWS(certificate_rows),
     "Names the sequences of each epoch that are there and those that are missing, known losses and times when the "
     "archive did not run. Its SHA-256 becomes a record of the log."},
    {"export", "export records as files with proofs", "[QUERY]", 0, 1, ROWS(export_rows),
     "Writes the records that match, in the order of the log, and beside each file FILE.proof, which qorgan-verify "
     "checks."},
    {"detect", "run Sigma rules over files", "FILE...", 1, OPERANDS_ANY, ROWS(detect_rows),
     "Reads the files as the service would, without storing anything, and prints each match."},
    {"parse", "show how lines are understood", "[FILE...]", 0, OPERANDS_ANY, ROWS(parse_rows),
     "Reads lines as the service would, without storing anything, and prints for each the pattern of data/parsers that "
     "takes it and the event that comes of it; at the end a row a program with the share of lines that are parsed. "
     "Without a file, and for -, standard input is read. Exit status 1 when some line is not parsed. --propose begins "
     "a "
     "pattern from lines; --sources reads the archive instead of files."},
    {"rules", "check, test, explain rules, hunt with them, import packs", "ACTION ...", 1, OPERANDS_ANY,
     ROWS(rules_rows),
     "check DIR: loads every rule below the folders and says which are refused, and why. test DIR: shows the samples "
     "beside "
     "the rules, and those of info.yml, to the rules. explain RULE RECORD: prints the tree of a rule's tests against a "
     "record, and "
     "why each holds or does not. hunt RULE: what rules would have found in the archive. diff OLD NEW: what another "
     "version of the "
     "rules would find there and this one not, and the other way round; rules of indicators are hunted by `qorgan "
     "indicators hunt`. import PATH: takes the rules of a folder or ZIP file into the data folder as a version of a "
     "pack; "
     "packs: lists these; rollback NAME [VERSION]: the version before holds again; switch NAME VERSION: that one does; "
     "remove NAME [VERSION]: a pack or an "
     "old version goes; pack DIR: signs a folder of rules for who imports it. Exit status 1 when one is refused or "
     "fails, or when there is a difference."},
    {"indicators", "check lists of indicators, and hunt for them in the archive", "check PATH... | hunt", 1,
     OPERANDS_ANY, ROWS(indicators_rows),
     "check: reads lists (CSV, STIX 2.1, MISP) and says what they hold, what has expired and what is refused; exit "
     "status "
     "1 when something is. hunt: prints the records of the archive that hold an indicator of the lists."},
    {"coverage", "say what order 52/НҚ, Annex 4 demands of sources and what they send", "", 0, 0, ROWS(coverage_rows),
     "Counts the events of the archive by source, kind and field, and sets them against what the annex demands of the "
     "source's class. Works beside the service and without it. Exit status 1 means that something required is not in "
     "the range."},
    {"losses", "print what the archive knows to be missing", "", 0, 0, ROWS(losses_rows),
     "Reads the archive's own records of what was dropped, cut, refused or skipped, of stops and of steps of its "
     "clock, "
     "and folds them by source, cause and minute. Works beside the service and without it. Exit status 1 means that "
     "there are losses in the range."},
    {"inventory", "print what machines are made of", "list | show [MACHINE] | search NAME", 1, 2, ROWS(inventory_rows),
     "Reads what agents told of their machines and prints what holds now. list counts items by machine and kind; show "
     "prints them; search finds the machines that have a package (by its name or its source's), a port, a user, a "
     "program, a device. Works beside the service and without it. Exit status 1 means that nothing was found."},
    {"findings", "print what a report of a vulnerability scanner says", "FILE", 1, 1, ROWS(findings_rows),
     "Reads a report of nmap (-oX), OpenVAS, Nessus, SARIF, CycloneDX or CSV in a process without rights and prints "
     "its "
     "findings, with --json as the API takes them. Exit status 1 means that it is none of these, or damaged."},
    {"signature", "judge the electronic signatures of a document", "FILE", 1, 1, ROWS(signature_rows),
     "Reads signed documents (CMS SignedData, RFC 5652: .p7s, .p7m, .cms, .sig) with RSA, ECDSA, Ed25519 and the "
     "national "
     "algorithms GOST 34.310 and 34.311, in a process without rights, and asks no network. Exit status 1 means that a "
     "signature is bad, or that something is not known."},
    {"object-card", "print the card of an object that a spreadsheet holds", "FILE", 1, 1, ROWS(object_card_rows),
     "Reads an XLSX file, as the page of exports makes it, in a process without rights and prints the card as one JSON "
     "object, which the page of imports and the API take. Exit status 1 means that it is none, or damaged."},
    {"sheet", "print a checkpoint for paper", "", 0, 0, ROWS(sheet_rows),
     "A page for A4: origin, size, root, time, cosignatures and a QR code of the whole checkpoint, with a place for "
     "signature and stamp."},
    {"witness", "cosign the checkpoints of other machines' archives", "", 0, 0, ROWS(witness_rows),
     "Runs in the foreground on a machine of another owner, speaks C2SP tlog-witness, and cosigns a checkpoint only "
     "when "
     "it is proven to continue the last one. With --show exit status 1 means that a log does not grow."},
    {"demo", "play a short attack into the running service", "", 0, 0, ROWS(demo_rows),
     "Sends invented log lines of a password attack, so that a first incident opens; its clocks run once you confirm "
     "it."},
    {"forward", "give records on to another system", "", 0, 0, ROWS(forward_rows),
     "Sends what is signed, in the order of record numbers, from a position of its own on, until it is stopped. What "
     "is "
     "not taken is sent again: after a crash the last batch may come twice, nothing is left out."},
    {"mirror", "keep a checked second copy of another server's archive", "", 0, 0, ROWS(mirror_rows),
     "Pulls, checks every record against the signed tree, and only then keeps it, in an archive that every reading "
     "command and the service can use. Stops with exit status 1 when the server contradicts what was signed."},
    {"mirror-token", "say who may pull this archive", "[NAME]", 0, 1, ROWS(mirror_token_rows),
     "With a name makes a token for that mirror and prints it once; without one lists the mirrors."},
    {"sender-token", "say who may send over HTTP", "[NAME]", 0, 1, ROWS(sender_token_rows),
     "With a name makes a token for that sender and prints it once; without one lists the senders."},
    {"factor-reset", "take the second factor away from who lost the phone", "NAME", 1, 1, ROWS(factor_reset_rows),
     "For who owns the machine, while the service is stopped: an administrator whose phone and recovery codes are "
     "gone, "
     "with no other administrator to ask. The person's sessions end, the next sign-in is by the password alone, and "
     "where the role must have a second factor a new one is set up then. The reason, a record of the archive, is "
     "needed."},
    {"key", "make, show and rotate master keys", "new FILE | add FILE | show [FILE] | rotate", 1, 2, ROWS(key_rows),
     "new writes a file with one master key; add puts a further one in front, which wraps from then on. In place of "
     "FILE a pkcs11: URI may stand: then a key on that token seals the file. show lists the ids, and which of them the "
     "archive still needs. rotate wraps the archive's keys anew with the first one, while the service is stopped; "
     "nothing is encrypted again."},
    {"version", "print the version", "", 0, 0, ROWS(version_rows), "Prints version, compiler and libraries."},
    {"help", "explain a command", "[COMMAND]", 0, 1, ROWS(help_rows),
     "Without a command lists all commands. The same text as COMMAND --help."},
};

const struct command *command_at(size_t index)
{
    return index < ARRAY_LEN(commands) ? &commands[index] : NULL;
}

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}
