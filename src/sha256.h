/*
 * sha256.h
 *	  SHA-256 over and over, with one context of the server's.
 */
#ifndef ATHAR_SHA256_H
#define ATHAR_SHA256_H

#define ATHAR_HASH_BYTES 32

/* Made by athar_sha256_begin(); an error frees what it holds. */
typedef struct athar_hasher athar_hasher;

extern athar_hasher *athar_sha256_begin(void);
extern void athar_sha256_end(athar_hasher *hasher);

/* One hash: start, add what is hashed, finish into ATHAR_HASH_BYTES. */
extern void athar_sha256_start(athar_hasher *hasher);
extern void athar_sha256_add(athar_hasher *hasher, const void *data,
							 Size length);
extern void athar_sha256_finish(athar_hasher *hasher, uint8 *hash);

#endif							/* ATHAR_SHA256_H */
