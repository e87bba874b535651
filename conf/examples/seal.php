#!/usr/bin/php
<?php
/*
 * seal.php PUBLICKEY ATS ADDRESS USER ENDPOINT... - reads a password from standard input and prints it as the data
 * of a sealed credential (postern-seal-1, see postern-jmap(7)). PHP's sodium extension: it comes with PHP.
 */

function text(string $s): string
{
    return pack('v', strlen($s)) . $s;
}

function seal(string $publicKey, string $ats, string $address, string $user, string $secret, array $endpoints): string
{
    $plain = "\x01\x01" . text($ats) . text($address) . text($user) . text($secret)
        . chr(count($endpoints)) . implode('', array_map('text', $endpoints));
    $sealed = sodium_crypto_box_seal($plain, base64_decode($publicKey, true));
    sodium_memzero($plain);
    return base64_encode($sealed);
}

if ($argc < 6) {
    fwrite(STDERR, "usage: seal.php PUBLICKEY ATS ADDRESS USER ENDPOINT... < password\n");
    exit(2);
}
echo seal($argv[1], $argv[2], $argv[3], $argv[4], rtrim(stream_get_contents(STDIN), "\r\n"), array_slice($argv, 5)), "\n";
