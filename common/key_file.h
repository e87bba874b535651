/*
 * key_file.h - the key file as bytes: magic, X25519 secret key, public key.
 * Made by posternctl vault init, read by the vault. Nothing may follow.
 */
#ifndef COMMON_KEY_FILE_H
#define COMMON_KEY_FILE_H

#define KEY_FILE_MAGIC "postern-key-1\n"
#define KEY_FILE_MAGIC_N 14
#define KEY_SECRET_N 32
#define KEY_PUBLIC_N 32
#define KEY_FILE_N (KEY_FILE_MAGIC_N + KEY_SECRET_N + KEY_PUBLIC_N)

#endif
