/* account: who may sign in; roles as data: a role is a list of (noun, verb). */
#ifndef TQ_LAB_ACCOUNT_H
#define TQ_LAB_ACCOUNT_H

#include "base/error.h"
#include "base/time.h"
#include "record/store/store.h"

#define ACCOUNT_NAME_MAX 64
#define ACCOUNT_DISPLAY_MAX 80
#define ACCOUNT_ROLE_MAX 40
#define ACCOUNT_HASH_MAX 160

#define ROLE_LOCAL_ADMINISTRATOR "local administrator"
#define ROLE_LAB_MANAGER "lab manager"

struct account {
    char name[ACCOUNT_NAME_MAX + 1];
    char display_name[4 * ACCOUNT_DISPLAY_MAX + 1];
    char role[ACCOUNT_ROLE_MAX + 1];
    char password_hash[ACCOUNT_HASH_MAX];
};

/* The form in which names are compared and kept: ASCII letters small. False: not 1-64 of a-z 0-9 . _ - @ starting with a letter or digit. */
bool account_name(struct span name, char out[ACCOUNT_NAME_MAX + 1]);
bool account_display_name_valid(struct span name); /* 1-80 characters of UTF-8 without control characters */

/* 0, or -1 when the store failed. */
int account_get(struct store_conn *c, struct span name, struct account *ret, bool *ret_found, struct error *e);
int64_t account_total(struct store_conn *c, struct error *e); /* -1: the store failed */

/* May this role do this? permission: "noun.verb". False also when the store failed. */
bool role_may(struct store_conn *c, const char *role, const char *permission);

#endif
