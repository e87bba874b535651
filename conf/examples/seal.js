#!/usr/bin/env node
/*
 * seal.js PUBLICKEY ATS ADDRESS USER ENDPOINT... - reads a password from standard input and prints it as the data of
 * a sealed credential (postern-seal-1, see postern-jmap(7)). TweetNaCl: apt install node-tweetnacl, or npm install
 * tweetnacl. With npm's libsodium-wrappers sealedBox is sodium.crypto_box_seal(plain, publicKey) instead.
 */
'use strict';

const nacl = require('tweetnacl');

const text = (s) => {
  const bytes = Buffer.from(s, 'utf8');
  const length = Buffer.alloc(2);
  length.writeUInt16LE(bytes.length);
  return Buffer.concat([length, bytes]);
};

function seal(publicKey, ats, address, user, secret, endpoints) {
  const plain = Buffer.concat([Buffer.from([1, 1]), text(ats), text(address), text(user), text(secret),
    Buffer.from([endpoints.length]), ...endpoints.map(text)]);
  return sealedBox(plain, Buffer.from(publicKey, 'base64')).toString('base64');
}

/* What libsodium calls crypto_box_seal: a box from a key that is used once. */
function sealedBox(plain, publicKey) {
  const once = nacl.box.keyPair();
  const nonce = blake2b24(Buffer.concat([once.publicKey, publicKey]));
  const box = nacl.box(plain, nonce, publicKey, once.secretKey);
  once.secretKey.fill(0);
  return Buffer.concat([once.publicKey, box]);
}

/* BLAKE2b (RFC 7693) of exactly 64 bytes to 24: one block, no key. */
const IV = [0x6a09e667f3bcc908n, 0xbb67ae8584caa73bn, 0x3c6ef372fe94f82bn, 0xa54ff53a5f1d36f1n,
  0x510e527fade682d1n, 0x9b05688c2b3e6c1fn, 0x1f83d9abfb41bd6bn, 0x5be0cd19137e2179n];
const SIGMA = [
  '0123456789abcdef', 'ea489fd61c02b753', 'b8c052fdae367194', '7931dcbe265a40f8',
  '905724afe1bc683d', '2c6a0b834d75fe19', 'c51fed4a0763928b', 'db7ec13950f4862a',
  '6fe9b308c2d714a5', 'a2847615fb9e3cd0', '0123456789abcdef', 'ea489fd61c02b753'];
const COLUMNS = [[0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15],
  [0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14]];

function blake2b24(bytes) {
  const u64 = (x) => BigInt.asUintN(64, x);
  const turn = (x, n) => u64((x >> n) | (x << (64n - n)));
  const m = Array.from({ length: 16 }, (_, i) => (i < 8 ? bytes.readBigUInt64LE(8 * i) : 0n));
  const h = IV.map((x, i) => (i === 0 ? x ^ 0x01010018n : x));
  const v = [...h, ...IV];
  v[12] ^= 64n;
  v[14] ^= 0xffffffffffffffffn;
  for (const row of SIGMA) {
    COLUMNS.forEach(([a, b, c, d], i) => {
      for (const [word, first, second] of [[row[2 * i], 32n, 24n], [row[2 * i + 1], 16n, 63n]]) {
        v[a] = u64(v[a] + v[b] + m[parseInt(word, 16)]);
        v[d] = turn(v[d] ^ v[a], first);
        v[c] = u64(v[c] + v[d]);
        v[b] = turn(v[b] ^ v[c], second);
      }
    });
  }
  const out = Buffer.alloc(24);
  for (let i = 0; i < 3; i++) out.writeBigUInt64LE(h[i] ^ v[i] ^ v[i + 8], 8 * i);
  return out;
}

module.exports = { seal };

if (require.main === module) {
  const [publicKey, ats, address, user, ...endpoints] = process.argv.slice(2);
  if (endpoints.length === 0) {
    console.error('usage: seal.js PUBLICKEY ATS ADDRESS USER ENDPOINT... < password');
    process.exit(2);
  }
  const secret = require('fs').readFileSync(0, 'utf8').replace(/[\r\n]+$/, '');
  console.log(seal(publicKey, ats, address, user, secret, endpoints));
}
