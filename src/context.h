/*
 * context.h
 *	  Who acts and why: the settings, and the transaction's row in the log.
 */
#ifndef ATHAR_CONTEXT_H
#define ATHAR_CONTEXT_H

extern void athar_context_init(void);
extern const char *athar_context_actor(void);
extern const char *athar_context_role(void);
extern const char *athar_context_reason(void);
extern int64 athar_context_transaction(void);

#endif							/* ATHAR_CONTEXT_H */
