// SPDX-License-Identifier: Apache-2.0
const { subtle } = crypto;
const bytes = (text) => new TextEncoder().encode(text);
const hex = (data) => Array.from(new Uint8Array(data), (byte) => byte.toString(16).padStart(2, "0")).join("");
const unhex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const text = (data) => new TextDecoder().decode(data);

test("digests", async () => {
  same(hex(await subtle.digest("SHA-256", bytes("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  same(hex(await subtle.digest({ name: "sha-1" }, bytes("abc"))), "a9993e364706816aba3e25717850c26c9cd0d89d");
  same(hex(await subtle.digest("SHA-512", new Uint8Array(0))).slice(0, 32), "cf83e1357eefb8bdf1542850d66d8007");
  same(hex(await subtle.digest("SHA-384", new Uint8Array(600000))).slice(0, 32), "76fca20614a9f049f537df2fc1e524a2");
  await rejects("NotSupportedError", subtle.digest("SHA-3", bytes("")));
  await rejects(TypeError, subtle.digest("SHA-256", "text"));
});
test("hmac", async () => {
  const key = await subtle.importKey("raw", bytes("Jefe"), { name: "HMAC", hash: "SHA-256" }, true, ["sign", "verify"]);
  const mac = await subtle.sign("HMAC", key, bytes("what do ya want for nothing?"));
  same(hex(mac), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  same(await subtle.verify("HMAC", key, mac, bytes("what do ya want for nothing?")), true);
  same(await subtle.verify("HMAC", key, mac, bytes("what do ya want for nothing!")), false);
  const jwk = await subtle.exportKey("jwk", key);
  same([jwk.kty, jwk.k, jwk.alg, jwk.ext, key.algorithm.length], ["oct", "SmVmZQ", "HS256", true, 32]);
  same(text(await subtle.exportKey("raw", await subtle.importKey("jwk", jwk, { name: "HMAC", hash: "SHA-256" }, true, ["sign"]))), "Jefe");
  const made = await subtle.generateKey({ name: "HMAC", hash: "SHA-512" }, true, ["sign"]);
  same((await subtle.exportKey("raw", made)).byteLength, 128);
  await rejects("InvalidAccessError", subtle.verify("HMAC", made, mac, mac));
});
test("aes", async () => {
  const raw = unhex("000102030405060708090a0b0c0d0e0f");
  const iv = new Uint8Array(16);
  const import_ = (name) => subtle.importKey("raw", raw, name, true, ["encrypt", "decrypt"]);
  const gcm = await import_("AES-GCM");
  const sealed = await subtle.encrypt({ name: "AES-GCM", iv: iv.slice(0, 12), additionalData: bytes("more") }, gcm, bytes("hello"));
  same(hex(sealed), "21b3eb3ff68f44f344c2d1e9f3bae869428bd84c6c");
  same(text(await subtle.decrypt({ name: "AES-GCM", iv: iv.slice(0, 12), additionalData: bytes("more") }, gcm, sealed)), "hello");
  await rejects("OperationError", subtle.decrypt({ name: "AES-GCM", iv: iv.slice(0, 12), additionalData: bytes("less") }, gcm, sealed));
  await rejects("OperationError", subtle.decrypt({ name: "AES-GCM", iv: iv.slice(0, 12) }, gcm, new Uint8Array(3)));
  const cbc = await import_("AES-CBC");
  const closed = await subtle.encrypt({ name: "AES-CBC", iv }, cbc, bytes("hello"));
  same(hex(closed), "5d8749e2af7531b2bf6661e9e5daf012");
  same(text(await subtle.decrypt({ name: "AES-CBC", iv }, cbc, closed)), "hello");
  const ctr = await import_("AES-CTR");
  const large = new Uint8Array(700001).fill(7);
  const counter = unhex("fffffffffffffffffffffffffffffffe");
  const masked = new Uint8Array(await subtle.encrypt({ name: "AES-CTR", counter, length: 64 }, ctr, large));
  same(hex(masked.slice(0, 48)), "b1b2c5df2a8cd308c849dff3a96990e93b431835c900852463d0a59e0957bc1422d3ee4fba591591a8c7b8800e5d754f");
  same(new Uint8Array(await subtle.decrypt({ name: "AES-CTR", counter, length: 64 }, ctr, masked)).every((byte) => byte === 7), true);
  same((await subtle.exportKey("jwk", gcm)).alg, "A128GCM");
  const wrapping = await subtle.importKey("raw", raw, "AES-KW", false, ["wrapKey", "unwrapKey"]); // [RFC 3394 4.1]
  const inner = await subtle.importKey("raw", unhex("00112233445566778899aabbccddeeff"), "AES-CBC", true, ["encrypt"]);
  const wrapped = await subtle.wrapKey("raw", inner, wrapping, "AES-KW");
  same(hex(wrapped), "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5");
  same(hex(await subtle.exportKey("raw", await subtle.unwrapKey("raw", wrapped, wrapping, "AES-KW", "AES-CBC", true, ["encrypt"]))), "00112233445566778899aabbccddeeff");
  new Uint8Array(wrapped)[3] ^= 1;
  await rejects("OperationError", subtle.unwrapKey("raw", wrapped, wrapping, "AES-KW", "AES-CBC", true, ["encrypt"]));
  same((await subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt"])).algorithm.length, 256);
  await rejects("DataError", subtle.importKey("raw", raw.slice(1), "AES-GCM", true, ["encrypt"]));
});
test("passwords", async () => {
  const key = await subtle.importKey("raw", bytes("passwd"), "PBKDF2", false, ["deriveBits", "deriveKey"]);
  same(hex(await subtle.deriveBits({ name: "PBKDF2", hash: "SHA-256", salt: bytes("salt"), iterations: 1 }, key, 512)),
    "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783");
  same(hex(await subtle.deriveBits({ name: "PBKDF2", hash: "SHA-1", salt: bytes("salt"), iterations: 1234 }, key, 160)), "b02a44075cb56b0f76243cd40a4735af92b76b6c");
  const derived = await subtle.deriveKey({ name: "PBKDF2", hash: "SHA-256", salt: bytes("s"), iterations: 2 }, key, { name: "AES-GCM", length: 256 }, true, ["encrypt"]);
  same((await subtle.exportKey("raw", derived)).byteLength, 32);
  const hkdf = await subtle.importKey("raw", new Uint8Array(22).fill(0x0b), "HKDF", false, ["deriveBits"]);
  same(hex(await subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt: unhex("000102030405060708090a0b0c"), info: unhex("f0f1f2f3f4f5f6f7f8f9") }, hkdf, 336)),
    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
});
test("elliptic curves", async () => {
  for (const [namedCurve, hash, width] of [["P-256", "SHA-256", 32], ["P-384", "SHA-384", 48], ["P-521", "SHA-512", 66]]) {
    const pair = await subtle.generateKey({ name: "ECDSA", namedCurve }, true, ["sign", "verify"]);
    const signature = await subtle.sign({ name: "ECDSA", hash }, pair.privateKey, bytes("hello"));
    same([signature.byteLength, pair.privateKey.algorithm.namedCurve, pair.publicKey.usages], [2 * width, namedCurve, ["verify"]]);
    for (const format of ["spki", "raw", "jwk"]) {
      const key = await subtle.importKey(format, await subtle.exportKey(format, pair.publicKey), { name: "ECDSA", namedCurve }, true, ["verify"]);
      same(await subtle.verify({ name: "ECDSA", hash }, key, signature, bytes("hello")), true, format);
      same(await subtle.verify({ name: "ECDSA", hash }, key, signature, bytes("hallo")), false, format);
    }
    for (const format of ["pkcs8", "jwk"]) {
      const key = await subtle.importKey(format, await subtle.exportKey(format, pair.privateKey), { name: "ECDSA", namedCurve }, true, ["sign"]);
      same(await subtle.verify({ name: "ECDSA", hash }, pair.publicKey, await subtle.sign({ name: "ECDSA", hash }, key, bytes("x")), bytes("x")), true, format);
    }
    same(await subtle.verify({ name: "ECDSA", hash }, pair.publicKey, new Uint8Array(3), bytes("hello")), false);
  }
  await rejects("DataError", subtle.importKey("raw", new Uint8Array(65).fill(4), { name: "ECDSA", namedCurve: "P-256" }, true, ["verify"]));
});
test("agreement", async () => {
  for (const algorithm of [{ name: "ECDH", namedCurve: "P-256" }, { name: "X25519" }]) {
    const mine = await subtle.generateKey(algorithm, true, ["deriveBits"]);
    const theirs = await subtle.generateKey(algorithm, true, ["deriveBits"]);
    const one = await subtle.deriveBits({ name: algorithm.name, public: theirs.publicKey }, mine.privateKey, 256);
    same(hex(one), hex(await subtle.deriveBits({ name: algorithm.name, public: mine.publicKey }, theirs.privateKey, 256)));
    same(one.byteLength, 32);
  }
});
test("edwards", async () => {
  const key = await subtle.importKey("jwk", { kty: "OKP", crv: "Ed25519", d: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }, "Ed25519", true, ["sign"]);
  const signature = await subtle.sign("Ed25519", key, new Uint8Array(0));
  same(hex(signature), "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b");
  const open = await subtle.importKey("raw", unhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"), "Ed25519", true, ["verify"]);
  same([await subtle.verify("Ed25519", open, signature, new Uint8Array(0)), await subtle.verify("Ed25519", open, signature, bytes("x"))], [true, false]);
});
test("rsa", async () => {
  const jwk = {"kty":"RSA","n":"5SsaUemxZrho7WlKV7-86ueKD5MDn-GVIlhhGbs4DyLnYdODC7CEFNJJ9-j2_R45QpB0Mglij7V_CHW-leoc58epykT0uOp_Fhws1jhzjpKZyqCjwMFRSIy1D0-bSn49yGjLC1aq9AViC4si6rVAw11Q-CiPqrR5lyJJeyXi-JOXeST9GNeaXMzIiDk9jWB6gQtD2GvKM9NgBxyL-wuxLn1WWEhGZQusfoHw_vqEWYUPRHKbD7ztUmH3MMO8r2SFmhiXTT8rhq7RYz4uW78d37o0cIqro8yA46sm_IiwlMhgNC8moaWUix6_8bpfRq5BflWm6C-1NndeAeHob7fy-Q","e":"AQAB","d":"AWWV0YaUlVvTJDxPrtEn6NYhtCvZGi6_sBUyEqbem1ADBp3UNwcRHQfgRHWxQ18dafuTq7uSfq3_ENlX4KshQzk8iT408Cdvasj1QyvWVM8tsbZGMpOdvVeXNxlM_jierjOo-4AVxsA9e19ycRQK_viDrh7gK6IR5NMO4oRl-bjN9OfqIxNKF-mTUy0XF9aSUlaH8_Yu2vSnouzvoMfh0-PCh592go7PZf6bsycidtYcQeEAOerV9UjFeVMfcEva70XBN3VvOt67DjJYm8fDUO4uJhD3VVjXM-eRAxjz8jUU3XWQOV5NwZ33au5b1_zkC1qQ2e3pMNJhT1X2DNCGAQ","p":"-tlCAlLoxZVmWqNRyi3bgNWih0aC6BcUR04BNoM3nDjvD0LgtK6CkTGVxGqD5iKbLQSmWdevwQKblct23KgyN9TkwxDOpzTROo78Zt4LsSMPWkQ_JASwchcSY1ZpwGAbR_83jxgxLHkmaZfNg-Gslc-u0TjgdVkXYM8WK7twmgE","q":"6d_ed0t-hIqEKFvklMVWrU3Ue6IjUc0qYgY0bUgTx1jH37ZEXqutDMrgI94iv-DvpRtKMrEOPavwgyPQ_fyzbJVqoVZTE4TQJukl8j3GzXbXgIiqp_i4NfLZfe35UBKxRGaSzgcZsn0DLt66ZkR3OPhqFn7juGmSo9iNsxMiKPk","dp":"Igvg0K3uF_sqFD08eaN1umvEjnW8iMGxJ-hnc72li5eSotCh7QQOhqRjPnByjIa_5wFNjr4ehaTT9yXRcSuG_Vrw3aTnV3xstXT4vwF-NsGacNb4duwIAsQs47yzx7-DlGcIZGyVKAMdepF2_GJh6Udx48XDeUnpSWNyD-d15gE","dq":"K1nn7sz7oq3aWXDPKhR6QJ2QqWogieUx2gG0bh1SLT1zrzAl9DZ2WUyxx3RBlLepND2ev066iQv6BRT6hFn3GEWKAmXx-EhCHTRSaFizJRrGT3kFyST9YGKnlgQqloEggsFQrQf7523szR9UBejjAJhrccgLhf9rwxs9CNifGGE","qi":"A_evhJEMHIf8MszaDh6J0ReTvlRlMBkeoKZins8wo7au7YbHkKBEIpmTA1mP4qMy0fbSWRDCAE_EGAn8Dc9gq51OyEkLW4J5dlznawxl_SjTTyV41MrEGLM-6jne9ES9PYRrey0X6vOyU_FrD7HjgQnfM_0v99ubUbrVeXyiTLo"};
  const open = { kty: jwk.kty, n: jwk.n, e: jwk.e };
  for (const [algorithm, more] of [[{ name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, {}], [{ name: "RSA-PSS", hash: "SHA-256" }, { saltLength: 32 }]]) {
    const key = await subtle.importKey("jwk", jwk, algorithm, true, ["sign"]);
    const publicKey = await subtle.importKey("jwk", open, algorithm, true, ["verify"]);
    same([key.algorithm.modulusLength, [...key.algorithm.publicExponent]], [2048, [1, 0, 1]]);
    const signature = await subtle.sign({ ...algorithm, ...more }, key, bytes("hello"));
    if (algorithm.name === "RSASSA-PKCS1-v1_5") same(hex(signature).slice(0, 32), "8ed2cd79911c480e9b63b710061aa877");
    same([await subtle.verify({ ...algorithm, ...more }, publicKey, signature, bytes("hello")), await subtle.verify({ ...algorithm, ...more }, publicKey, signature, bytes("other"))], [true, false]);
    const again = await subtle.importKey("pkcs8", await subtle.exportKey("pkcs8", key), algorithm, true, ["sign"]);
    same((await subtle.exportKey("jwk", again)).dp, jwk.dp);
    same((await subtle.importKey("spki", await subtle.exportKey("spki", publicKey), algorithm, true, ["verify"])).type, "public");
  }
  const oaep = { name: "RSA-OAEP", hash: "SHA-256" };
  const key = await subtle.importKey("jwk", jwk, oaep, true, ["decrypt"]);
  const publicKey = await subtle.importKey("jwk", open, oaep, true, ["encrypt"]);
  same(text(await subtle.decrypt(oaep, key, await subtle.encrypt(oaep, publicKey, bytes("hello")))), "hello");
  await rejects("OperationError", subtle.decrypt(oaep, key, new Uint8Array(256)));
  await rejects("DataError", subtle.importKey("jwk", { ...jwk, q: jwk.n }, oaep, true, ["decrypt"]));
});
test("keys are checked", async () => {
  const key = await subtle.importKey("raw", new Uint8Array(16), "AES-GCM", false, ["encrypt"]);
  await rejects("InvalidAccessError", subtle.exportKey("raw", key));
  await rejects("InvalidAccessError", subtle.decrypt({ name: "AES-GCM", iv: new Uint8Array(12) }, key, new Uint8Array(16)));
  await rejects("SyntaxError", subtle.importKey("raw", new Uint8Array(16), "AES-GCM", false, ["sign"]));
  await rejects("SyntaxError", subtle.importKey("raw", new Uint8Array(16), "AES-GCM", false, []));
  await rejects("DataError", subtle.importKey("pkcs8", new Uint8Array(16), { name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]));
  await rejects(TypeError, subtle.exportKey("raw", {}));
  throws(TypeError, () => new CryptoKey());
});
test("wrapping", async () => {
  const wrapping = await subtle.generateKey({ name: "AES-GCM", length: 128 }, false, ["wrapKey", "unwrapKey"]);
  const key = await subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, true, ["sign"]);
  const iv = crypto.getRandomValues(new Uint8Array(12));
  for (const format of ["raw", "jwk"]) {
    const wrapped = await subtle.wrapKey(format, key, wrapping, { name: "AES-GCM", iv });
    const open = await subtle.unwrapKey(format, wrapped, wrapping, { name: "AES-GCM", iv }, { name: "HMAC", hash: "SHA-256" }, true, ["sign"]);
    same(hex(await subtle.exportKey("raw", open)), hex(await subtle.exportKey("raw", key)));
  }
});
