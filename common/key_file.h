/*
 * key_file.h - the vault's key file as bytes. Made by posternctl, read by the
 * vault. Nothing may follow.
 *
 *	plain	magic, X25519 secret key, public key
 *	wrapped	magic, u32 ops, u32 KiB, salt, nonce, public key, sealed secret key
 *
 * Wrapped: XChaCha20-Poly1305 under a key that Argon2id makes of a passphrase,
 * with everything before the sealed part as additional data.
 */
#ifndef COMMON_KEY_FILE_H
#define COMMON_KEY_FILE_H

#define KEY_FILE_MAGIC "postern-key-1\n"
#define WRAP_FILE_MAGIC "postern-wrap1\n"
#define KEY_FILE_MAGIC_N 14	/* of both */
#define KEY_SECRET_N 32
#define KEY_PUBLIC_N 32
#define KEY_FILE_N (KEY_FILE_MAGIC_N + KEY_SECRET_N + KEY_PUBLIC_N)

#define WRAP_SALT_N 16
#define WRAP_NONCE_N 24
#define WRAP_TAG_N 16
#define WRAP_HEAD_N (KEY_FILE_MAGIC_N + 4 + 4 + WRAP_SALT_N + WRAP_NONCE_N + KEY_PUBLIC_N)
#define WRAP_FILE_N (WRAP_HEAD_N + KEY_SECRET_N + WRAP_TAG_N)

/*
 * The frame on the vault's own socket that carries a passphrase: magic, u16
 * length, the passphrase, zeros. The answer: magic and one of the words below.
 */
#define UNLOCK_MAGIC "postern-unlock1\n"
#define UNLOCK_MAGIC_N 16
#define UNLOCK_FRAME_N 1024
#define UNLOCK_ANSWER_N (UNLOCK_MAGIC_N + 1)

enum unlock_answer {
	UNLOCK_NONE = 0,	/* none came: it ended meanwhile */
	UNLOCK_OPEN = 'o',	/* the vault is unlocked, or was already */
	UNLOCK_WRONG = 'w',	/* not the passphrase of this key */
	UNLOCK_RATE = 'r',	/* too many tries in a minute */
	UNLOCK_MEMORY = 'm',	/* the memory that the file asks for is not there */
	UNLOCK_FRAME = 'f'	/* the frame is malformed */
};

#endif
