/* api_token.h - tokens of programs that ask the HTTP API: made by a person, for a time, and never for more than the
 * person.
 *
 *   token.make ──► shown once ──► token.check (web, each call): live? address? scope? ──► the question, "through": id
 *                                    └► refused: recorded, at most once in ten minutes, with how many more there were
 *   ended by token.end, by the end of its time, or with its person's account
 *
 * Stored is the SHA-256 of a token (256 random bits), never the token. */
#ifndef DESK_API_TOKEN_H
#define DESK_API_TOKEN_H

#include "desk/inside.h"

#define API_TOKENS_A_USER 20   /* that stand */
#define API_TOKENS_MAX    1000 /* that stand, and as many that ended are kept */
#define API_TOKEN_DAYS    366

/* Question row->right, asked through a token: may it, by the token's scopes and what its person may? Sets the name that
 * records carry; refuses otherwise. Called when `who` was found. */
void api_token_through(struct ask *ask, unsigned right);
/* Ends the tokens of an account that was blocked. In a transaction. */
void api_tokens_block(struct ask *ask, int64_t user);

void ask_token_list(struct ask *ask);
void ask_token_make(struct ask *ask);
void ask_token_end(struct ask *ask);
void ask_token_check(struct ask *ask);

#endif
