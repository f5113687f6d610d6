/* token: what lets a program use the API in somebody's name: some of that person's permissions, until a day. The text is shown once and not kept. */
#ifndef TQ_LAB_TOKEN_H
#define TQ_LAB_TOKEN_H

#include "base/error.h"
#include "base/time.h"
#include "lab/people/account.h"
#include "record/store/store.h"

#define API_TOKEN_PREFIX "tqt_"
#define API_TOKEN_TEXT (4 + 64 + 1) /* the prefix, 256 bits in hexadecimal digits, a final zero */
#define API_TOKEN_ID 17
#define API_TOKEN_HASH 65
#define API_TOKEN_SCOPES 32 /* most permissions of one */
#define API_TOKEN_LABEL 80  /* characters */
#define KEEP_TOKENS 200     /* of one account, those that ended among them */

struct api_token {
    char id[API_TOKEN_ID];
    char account[ACCOUNT_NAME_MAX + 1];
    char label[4 * API_TOKEN_LABEL + 1];
    char scopes[API_TOKEN_SCOPES * 24]; /* permissions with spaces between */
    tq_time created;
    tq_time until;
    uint64_t record;
    tq_time revoked; /* 0: not */
    char revoked_by[ACCOUNT_NAME_MAX + 32];
    char revoked_why[256];
};

/* A new text with its id and the hash by which it is found again. */
void api_token_make(char text[API_TOKEN_TEXT], char id[API_TOKEN_ID], char hash[API_TOKEN_HASH]);

/* The token with this text that is neither revoked nor over. 0, or -1 when the store failed. */
int api_token_find(struct store_conn *c, struct span text, tq_time now, struct api_token *ret, bool *ret_found, struct error *e);
int api_token_get(struct store_conn *c, struct span id, struct api_token *ret, bool *ret_found, struct error *e);
bool api_token_scope(struct span scopes, const char *permission); /* is it among them? */

typedef void api_token_each(void *context, const struct api_token *t);
/* Of an account, or (empty) of all; newest first. */
int api_token_list(struct store_conn *c, struct span account, api_token_each *each, void *context, struct error *e);
int64_t api_token_count(struct store_conn *c, struct span account, tq_time now, struct error *e); /* those that are good now */
tq_time api_token_ends(struct store_conn *c, struct span account, tq_time now);                   /* when the first of those ends; 0: there is none */

#endif
