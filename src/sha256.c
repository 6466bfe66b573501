/*
 * sha256.c
 *	  SHA-256 over and over, with one context of the server's.
 *
 * Making a context costs as much as hashing a few hundred bytes, so one is
 * used again and again.  The server frees it with the resource owner, should
 * an error end the work.
 */
#include "athar.h"

#include "common/cryptohash.h"
#include "common/sha2.h"

#include "sha256.h"

StaticAssertDecl(ATHAR_HASH_BYTES == PG_SHA256_DIGEST_LENGTH,
				 "a hash is as long as a digest of SHA-256");

struct athar_hasher
{
	pg_cryptohash_ctx *context;
};

static void
check(athar_hasher *hasher, int status)
{
	if (status < 0)
		elog(ERROR, "could not compute SHA-256: %s",
			 pg_cryptohash_error(hasher->context));
}

athar_hasher *
athar_sha256_begin(void)
{
	athar_hasher *hasher = palloc(sizeof(athar_hasher));

	hasher->context = pg_cryptohash_create(PG_SHA256);
	if (hasher->context == NULL)
		elog(ERROR, "could not make a SHA-256 context");
	return hasher;
}

void
athar_sha256_end(athar_hasher *hasher)
{
	pg_cryptohash_free(hasher->context);
	pfree(hasher);
}

void
athar_sha256_start(athar_hasher *hasher)
{
	check(hasher, pg_cryptohash_init(hasher->context));
}

void
athar_sha256_add(athar_hasher *hasher, const void *data, Size length)
{
	check(hasher, pg_cryptohash_update(hasher->context, data, length));
}

void
athar_sha256_finish(athar_hasher *hasher, uint8 *hash)
{
	check(hasher, pg_cryptohash_final(hasher->context, hash,
									  ATHAR_HASH_BYTES));
}
