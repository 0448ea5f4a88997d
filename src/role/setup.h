/* setup.h - what the parent makes before anyone runs: folders and their owners, keys, certificate. Idempotent. */
#ifndef ROLE_SETUP_H
#define ROLE_SETUP_H

#include "base/arena.h"
#include "base/err.h"
#include "role/config.h"

struct setup {
    int data;       /* the data folder */
    int lock;       /* held while the service runs */
    int archive;    /* folders below it */
    int log_folder; /* archive/wal */
    int segment_folder;
    int collect;
    int desk;
    int signer_state;
    bool first_start;
    struct str signing_key; /* texts; wiped by setup_forget */
    struct str origin_uuid; /* 32 hex digits: of the archive that the key signs */
    struct str tls_certificate;
    struct str tls_key;
    struct str tls_client_ca;
};

/* RC_EXISTS when another server holds the folder. */
enum rc setup_make(const struct config *config, struct arena *arena, struct setup *ret_setup, struct err *err) MUST_USE;

#endif
