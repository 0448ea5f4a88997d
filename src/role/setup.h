/* setup.h - what the parent makes before anyone runs: folders and their owners, keys, certificate. Idempotent. */
#ifndef ROLE_SETUP_H
#define ROLE_SETUP_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "role/config.h"

#include <stdbool.h>

struct setup {
    int data;       /* the data folder */
    int lock;       /* held while the service runs */
    int archive;    /* folders below it */
    int log_folder; /* archive/wal */
    int segment_folder;
    int collect;
    int desk;
    int documents; /* below it: files of objects' documents */
    int lists;     /* of indicators, that people gave the desk */
    int senders;   /* who may send over HTTP */
    int mirror;    /* who may pull the archive; what this machine's own mirror remembers */
    int signer_state;
    bool first_start;
    struct str signing_key;   /* texts; wiped by setup_forget */
    struct str signer_public; /* its verifier key, a note_key's text */
    struct str origin_uuid;   /* 32 hex digits: of the archive that the key signs */
    struct str signed_last;   /* text of tlog/signer.h: with a new key, what the old one signed; empty = nothing */
    struct str tls_certificate;
    struct str tls_key;
    struct str tls_client_ca;
    struct str snmp_communities; /* text of the file; empty = any is taken */
    struct str snmp_users;
    struct str wef_client_ca; /* who vouches for computers that forward; empty = none do */
    struct str wef_subscriptions;
    struct str authority_certificate; /* of agents, os/authority.h; and what the listener for them shows */
    struct str authority_key;
    struct str delivery_certificate;
    struct str delivery_key;
    struct str witness_policy; /* texts of files; empty = none */
    struct str witness_ca;
    struct str timestamp_ca;
};

/* RC_EXISTS when another server holds the folder. `new_instance`: the signing key and its state are put aside under the
 * names signer.*.UUID, and a new key is made. */
enum rc setup_make(const struct config *config, bool new_instance, struct arena *arena, struct setup *ret_setup,
                   struct err *err) MUST_USE;
/* What the signer signed last by now, as text: for a keeper that starts. Empty when nothing. */
struct str setup_signed_last(const struct setup *setup, struct buf *storage);

#endif
