// SPDX-License-Identifier: Apache-2.0
// Web Cryptography over the host's: a table of algorithms, and the checks of keys, usages and formats that the
// specification asks for. A key's bytes are under a symbol, so that only exportKey shows them.
(host) => {
  // hostapi/crypto/crypto.def
  const HASH_BEGIN = 1, HMAC_BEGIN = 2, CIPHER_BEGIN = 3, MORE = 4, END = 5, PBKDF2 = 6, HKDF = 7, KEY_READ = 8,
    KEY_MAKE = 9, KEY_GENERATE = 10, SIGN = 11, VERIFY = 12, DERIVE = 13, ENCRYPT = 14, DECRYPT = 15;
  const DENIED = -3, LIMIT = -4, UNSUPPORTED = -10;
  const PIECE = 262144 - 64; // of CRYPTO_BYTES_MAX
  const ROUNDS = 500;
  const HASH_BYTES = { "SHA-1": 20, "SHA-256": 32, "SHA-384": 48, "SHA-512": 64, MD5: 16 };
  const BLOCK_BYTES = { "SHA-1": 64, "SHA-256": 64, "SHA-384": 128, "SHA-512": 128 };
  const CURVES = { "P-256": 32, "P-384": 48, "P-521": 66 };
  const EMPTY = new Uint8Array(0);
  const SECRET = Symbol("key"); // { bytes } of a secret, { der, parts } of a pair's half

  const fail = (name, text) => { throw new DOMException(text, name); };
  const run = (operation, ...values) => {
    const result = host.crypto(operation, ...values);
    if (typeof result !== "number") return result;
    if (result === LIMIT) fail("NotSupportedError", "crypto: a limit of this server (docs/javascript.md)");
    if (result === UNSUPPORTED) fail("NotSupportedError", "crypto: this algorithm is not provided");
    return fail("OperationError", result === DENIED ? "crypto: the data is not authentic" : "crypto: it cannot be done");
  };
  // Feeds data in pieces, between which others run.
  const feed = (data) => {
    const pieces = [];
    for (let at = 0; at < data.length; at += PIECE) pieces.push(run(MORE, data.subarray(at, at + PIECE)));
    return pieces;
  };
  const digest = (hash, data) => {
    run(HASH_BEGIN, hash);
    feed(data);
    return run(END);
  };
  const hmac = (hash, key, data) => {
    run(HMAC_BEGIN, hash, key);
    feed(data);
    return run(END);
  };
  const cipher = (name, encrypts, key, iv, more, data, tag = EMPTY) => {
    run(CIPHER_BEGIN, name, encrypts ? "1" : "0", key, iv, more);
    return host.concat([...feed(data), run(END, tag)]);
  };
  const listOf = (bytes) => {
    const rows = [];
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at < bytes.length;) {
      const count = view.getUint32(at, true);
      rows.push(bytes.slice(at + 4, at + 4 + count));
      at += 4 + count;
    }
    return rows;
  };

  // ---- what callers give

  const bytesOf = (value) => {
    const bytes = host.bytesOf(value);
    if (bytes === null) throw new TypeError("crypto.subtle: not an ArrayBuffer or a view of one");
    return bytes.slice();
  };
  const NAMES = ["SHA-1", "SHA-256", "SHA-384", "SHA-512", "MD5", "HMAC", "AES-CBC", "AES-CTR", "AES-GCM", "AES-KW", "PBKDF2", "HKDF",
    "ECDSA", "ECDH", "Ed25519", "X25519", "Ed448", "X448", "RSASSA-PKCS1-v1_5", "RSA-PSS", "RSA-OAEP"];
  const normal = (algorithm) => {
    const given = typeof algorithm === "string" ? { name: algorithm } : algorithm;
    if (typeof given !== "object" || given === null || given.name === undefined) throw new TypeError("crypto.subtle: an algorithm has a name");
    const wanted = `${given.name}`.toUpperCase();
    const name = wanted === "NODE-ED25519" ? "Ed25519" : NAMES.find((known) => known.toUpperCase() === wanted);
    if (name === undefined) fail("NotSupportedError", `crypto.subtle: the algorithm "${given.name}" is not known`);
    return Object.assign(Object.create(null), given, { name });
  };
  const hashOf = (value) => {
    if (value === undefined) throw new TypeError("crypto.subtle: the algorithm needs a hash");
    const { name } = normal(value);
    if (!(name in BLOCK_BYTES)) fail("NotSupportedError", `crypto.subtle: "${name}" is not a hash for this`);
    return name;
  };
  const curveOf = (name) => name in CURVES ? name : fail("NotSupportedError", `crypto.subtle: the curve "${name}" is not provided`);
  const sizeOf = (length) => [128, 192, 256].includes(length) ? length : fail("OperationError", `crypto.subtle: AES has no keys of ${length} bits`);

  // ---- keys

  class CryptoKey {
    constructor(key, type, algorithm, extractable, usages, secret) {
      if (key !== SECRET) throw new TypeError("Illegal constructor");
      Object.defineProperty(this, SECRET, { value: secret });
      this.#type = type;
      this.#algorithm = algorithm;
      this.#extractable = extractable;
      this.#usages = usages;
    }
    #type; #algorithm; #extractable; #usages;
    get type() { return this.#type; }
    get algorithm() { return this.#algorithm; }
    get extractable() { return this.#extractable; }
    get usages() { return this.#usages; }
  }
  const USAGES = ["encrypt", "decrypt", "sign", "verify", "deriveKey", "deriveBits", "wrapKey", "unwrapKey"];
  const CIPHER_USES = ["encrypt", "decrypt", "wrapKey", "unwrapKey"];
  const DERIVE_USES = ["deriveKey", "deriveBits"];
  const usesOf = (usages, allowed) => {
    const list = [...usages];
    for (const usage of list) {
      if (!USAGES.includes(usage)) throw new TypeError(`crypto.subtle: "${usage}" is no usage`);
      if (!allowed.includes(usage)) fail("SyntaxError", `crypto.subtle: this key is not for "${usage}"`);
    }
    return USAGES.filter((usage) => list.includes(usage));
  };
  const makeKey = (type, algorithm, extractable, usages, allowed, secret) => {
    const uses = usesOf(usages, allowed);
    if (uses.length === 0 && type !== "public") fail("SyntaxError", "crypto.subtle: a key that is for nothing");
    return new CryptoKey(SECRET, type, algorithm, !!extractable, uses, secret);
  };
  const secretOf = (key) => key instanceof CryptoKey && key[SECRET] !== undefined ? key[SECRET] : (() => { throw new TypeError("crypto.subtle: not a CryptoKey"); })();
  const check = (key, name, usage) => {
    secretOf(key);
    if (key.algorithm.name !== name) fail("InvalidAccessError", `crypto.subtle: the key is of ${key.algorithm.name}, not of ${name}`);
    if (!key.usages.includes(usage)) fail("InvalidAccessError", `crypto.subtle: the key is not for "${usage}"`);
    return key[SECRET];
  };

  const toUrl64 = (bytes) => {
    let text = "";
    for (const byte of bytes) text += String.fromCharCode(byte);
    return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  };
  const fromUrl64 = (text) => {
    if (typeof text !== "string" || !/^[A-Za-z0-9_-]*$/.test(text)) fail("DataError", "crypto.subtle: the JWK has a part that is not base64url");
    return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
  };
  const checkJwk = (jwk, kty, extractable, usages) => {
    if (typeof jwk !== "object" || jwk === null || host.bytesOf(jwk) !== null) throw new TypeError("crypto.subtle: not a JWK");
    if (jwk.kty !== kty) fail("DataError", `crypto.subtle: the JWK's kty is not "${kty}"`);
    if (jwk.ext === false && extractable) fail("DataError", "crypto.subtle: the JWK is not to be extractable");
    if (Array.isArray(jwk.key_ops) && usages.some((usage) => !jwk.key_ops.includes(usage))) fail("DataError", "crypto.subtle: the JWK's key_ops lack a usage");
    return jwk;
  };
  const readSecret = (format, data, extractable, usages, alg) => {
    if (format === "raw") return bytesOf(data);
    if (format !== "jwk") fail("NotSupportedError", `crypto.subtle: no import as "${format}"`);
    const jwk = checkJwk(data, "oct", extractable, usages);
    const bytes = fromUrl64(jwk.k);
    if (jwk.alg !== undefined && jwk.alg !== alg(bytes)) fail("DataError", "crypto.subtle: the JWK is for another algorithm");
    return bytes;
  };
  const writeSecret = (format, key, alg) => {
    const { bytes } = key[SECRET];
    if (format === "raw") return bytes.slice().buffer;
    if (format !== "jwk") fail("NotSupportedError", `crypto.subtle: no export as "${format}"`);
    return { kty: "oct", k: toUrl64(bytes), ...alg === undefined ? {} : { alg }, key_ops: [...key.usages], ext: key.extractable };
  };

  // A half of a pair: { der, kind, parts }, in the order of hostapi/crypto/keys.c.
  const half = (rows) => ({ der: rows[0], kind: host.decode(rows[1], false), parts: rows.slice(2) });
  const data = (make) => {
    try {
      return make();
    } catch (error) {
      if (error instanceof DOMException && error.name === "OperationError") fail("DataError", "crypto.subtle: this is no such key, or one beyond this server's limits (RSA of more than 2,048 bits verifies and encrypts only)");
      throw error;
    }
  };
  const readDer = (format, bytes) => data(() => half(listOf(run(KEY_READ, format === "pkcs8" ? "1" : "0", bytesOf(bytes)))));
  const makeHalf = (kind, isPrivate, parts) => data(() => half(listOf(run(KEY_MAKE, kind, isPrivate ? "1" : "0", ...parts))));
  const PUBLIC_PARTS = { RSA: ["n", "e"], EC: ["x", "y"], OKP: ["x"] };
  const PRIVATE_PARTS = { RSA: ["n", "e", "d", "p", "q", "dp", "dq", "qi"], EC: ["x", "y", "d"], OKP: ["x", "d"] };
  const publicOf = (found, kty) => makeHalf(found.kind, false, found.parts.slice(0, PUBLIC_PARTS[kty].length));

  const readPair = (format, value, { kty, kind, extractable, usages }) => {
    if (format === "spki" || format === "pkcs8") {
      const found = readDer(format, value);
      if (found.kind !== kind) fail("DataError", `crypto.subtle: the key is of ${found.kind}, not of ${kind}`);
      return { type: format === "spki" ? "public" : "private", secret: found };
    }
    if (format === "raw" && kty !== "RSA") {
      const bytes = bytesOf(value);
      const width = CURVES[kind];
      if (kty === "EC" && (bytes[0] !== 4 || bytes.length !== 1 + 2 * width)) fail("DataError", "crypto.subtle: not a point of the curve, uncompressed");
      const parts = kty === "EC" ? [bytes.slice(1, 1 + width), bytes.slice(1 + width)] : [bytes];
      return { type: "public", secret: makeHalf(kind, false, parts) };
    }
    if (format !== "jwk") fail("NotSupportedError", `crypto.subtle: no import as "${format}"`);
    const jwk = checkJwk(value, kty, extractable, usages);
    if (kty !== "RSA" && jwk.crv !== kind) fail("DataError", `crypto.subtle: the JWK's crv is not "${kind}"`);
    const isPrivate = jwk.d !== undefined;
    const names = (isPrivate ? PRIVATE_PARTS : PUBLIC_PARTS)[kty];
    const parts = names.map((name) => fromUrl64(jwk[name]));
    return { type: isPrivate ? "private" : "public", secret: makeHalf(kind, isPrivate, parts) };
  };
  const writePair = (format, key, { kty, kind, alg }) => {
    const secret = key[SECRET];
    if (format === "spki" || format === "pkcs8") {
      if (key.type !== (format === "spki" ? "public" : "private")) fail("InvalidAccessError", `crypto.subtle: a ${key.type} key has no "${format}"`);
      return secret.der.slice().buffer;
    }
    if (format === "raw" && kty !== "RSA") {
      if (key.type !== "public") fail("InvalidAccessError", "crypto.subtle: a private key is not exported as raw");
      return (kty === "EC" ? host.concat([Uint8Array.of(4), ...secret.parts]) : secret.parts[0].slice()).buffer;
    }
    if (format !== "jwk") fail("NotSupportedError", `crypto.subtle: no export as "${format}"`);
    const names = (key.type === "private" ? PRIVATE_PARTS : PUBLIC_PARTS)[kty];
    const jwk = { kty, ...kty === "RSA" ? {} : { crv: kind }, ...alg === undefined ? {} : { alg }, key_ops: [...key.usages], ext: key.extractable };
    for (const [i, name] of names.entries()) jwk[name] = toUrl64(secret.parts[i]);
    return jwk;
  };

  // ---- algorithms: what each has of importKey, generateKey, exportKey and its operations

  const randomBytes = (count) => crypto.getRandomValues(new Uint8Array(count));
  const aesAlg = (name) => (bytes) => `A${bytes.length * 8}${name.slice(4)}`;
  const aes = (name, allowed, operations) => ({
    importKey(format, value, algorithm, extractable, usages) {
      const bytes = readSecret(format, value, extractable, usages, aesAlg(name));
      if (![16, 24, 32].includes(bytes.length)) fail("DataError", `crypto.subtle: AES has no keys of ${bytes.length * 8} bits`);
      return makeKey("secret", { name, length: bytes.length * 8 }, extractable, usages, allowed, { bytes });
    },
    generateKey(algorithm, extractable, usages) {
      const length = sizeOf(algorithm.length);
      return makeKey("secret", { name, length }, extractable, usages, allowed, { bytes: randomBytes(length / 8) });
    },
    exportKey: (format, key) => writeSecret(format, key, aesAlg(name)(key[SECRET].bytes)),
    keyBits: (algorithm) => sizeOf(algorithm.length),
    ...operations,
  });
  const gcm = (encrypts) => (algorithm, { bytes }, input) => {
    const tagBytes = (algorithm.tagLength ?? 128) / 8;
    if (![4, 8, 12, 13, 14, 15, 16].includes(tagBytes)) fail("OperationError", "crypto.subtle: the tag has no such length");
    const iv = bytesOf(algorithm.iv);
    const more = algorithm.additionalData === undefined ? EMPTY : bytesOf(algorithm.additionalData);
    if (encrypts) {
      const sealed = cipher("AES-GCM", true, bytes, iv, more, input);
      return sealed.slice(0, sealed.length - 16 + tagBytes);
    }
    if (input.length < tagBytes) fail("OperationError", "crypto.subtle: the data is shorter than its tag");
    return cipher("AES-GCM", false, bytes, iv, more, input.subarray(0, input.length - tagBytes), input.subarray(input.length - tagBytes));
  };
  const cbc = (encrypts) => (algorithm, { bytes }, input) => {
    const iv = bytesOf(algorithm.iv);
    if (iv.length !== 16) fail("OperationError", "crypto.subtle: the iv has not 16 bytes");
    return cipher("AES-CBC", encrypts, bytes, iv, EMPTY, input);
  };
  const ctr = (algorithm, { bytes }, input) => {
    const counter = bytesOf(algorithm.counter);
    if (counter.length !== 16) fail("OperationError", "crypto.subtle: the counter has not 16 bytes");
    if (!(algorithm.length >= 1 && algorithm.length <= 128)) fail("OperationError", "crypto.subtle: the counter has no such length");
    // The counter of so many bits wraps by itself; OpenSSL's is all 128 bits of it.
    const bits = BigInt(algorithm.length);
    const space = 1n << bits;
    const start = BigInt(`0x${Array.from(counter, (byte) => byte.toString(16).padStart(2, "0")).join("")}`);
    const blocks = BigInt(Math.ceil(input.length / 16));
    if (blocks > space) fail("OperationError", "crypto.subtle: more blocks than the counter counts");
    const before = space - (start & space - 1n);
    if (blocks <= before) return cipher("AES-CTR", true, bytes, counter, EMPTY, input);
    const cut = Number(before) * 16;
    const wrapped = start >> bits << bits;
    const second = Uint8Array.from({ length: 16 }, (_, i) => Number(wrapped >> BigInt(8 * (15 - i)) & 255n));
    return host.concat([cipher("AES-CTR", true, bytes, counter, EMPTY, input.subarray(0, cut)),
      cipher("AES-CTR", true, bytes, second, EMPTY, input.subarray(cut))]);
  };

  const wrap = (encrypts) => (algorithm, { bytes }, input) => {
    if (input.length < (encrypts ? 16 : 24) || input.length % 8 !== 0 || input.length > PIECE) fail("OperationError", "crypto.subtle: AES-KW wraps keys of whole 8 bytes, at least 16");
    return cipher("AES-KW", encrypts, bytes, EMPTY, EMPTY, input);
  };

  const pair = (name, { kty, kindOf, details, publicUses, privateUses, alg = () => undefined, more = {} }) => ({
    importKey(format, value, algorithm, extractable, usages) {
      const kind = kindOf(algorithm);
      if (format === "pkcs8" || format === "jwk" && value?.d !== undefined) makeKey("private", { name }, extractable, usages, privateUses); // before its bytes are looked at
      const { type, secret } = readPair(format, value, { kty, kind, extractable, usages });
      const uses = type === "public" ? publicUses : privateUses;
      return makeKey(type, { name, ...details(algorithm, secret) }, extractable, usages, uses, secret);
    },
    generateKey(algorithm, extractable, usages) {
      const secret = half(listOf(run(KEY_GENERATE, kindOf(algorithm))));
      const described = { name, ...details(algorithm, secret) };
      const privateKey = makeKey("private", described, extractable, [...usages].filter((usage) => !publicUses.includes(usage)), privateUses, secret);
      const publicKey = makeKey("public", described, true, [...usages].filter((usage) => publicUses.includes(usage)), publicUses, publicOf(secret, kty));
      return { publicKey, privateKey };
    },
    exportKey: (format, key) => writePair(format, key, { kty, kind: key[SECRET].kind, alg: alg(key) }),
    ...more,
  });
  const ecdsa = (operation) => (algorithm, secret, input, signature) => {
    const hash = hashOf(algorithm.hash);
    const rest = signature === undefined ? [] : ["", signature];
    return run(operation, secret.kind, hash, secret.der, digest(hash, input), ...rest);
  };
  const pure = (operation) => (algorithm, secret, input, signature) => {
    const rest = signature === undefined ? [] : ["", signature];
    return run(operation, secret.kind, "", secret.der, input, ...rest);
  };
  const rsa = (kind) => (operation) => (algorithm, secret, input, signature, key) => {
    const hash = key.algorithm.hash.name;
    const salt = kind === "RSA-PSS" ? `${algorithm.saltLength >>> 0}` : "";
    const rest = signature === undefined ? [salt] : [salt, signature];
    return run(operation, kind, hash, secret.der, digest(hash, input), ...rest);
  };
  const rsaDetails = (algorithm, { parts }) => {
    const [modulus, exponent] = parts;
    return { modulusLength: modulus.length * 8 - Math.clz32(modulus[0]) + 24, publicExponent: exponent, hash: { name: hashOf(algorithm.hash) } };
  };
  const rsaPair = (name, alg, publicUses, privateUses, more) =>
    pair(name, { kty: "RSA", kindOf: () => "RSA", details: rsaDetails, publicUses, privateUses, alg: (key) => alg(key.algorithm.hash.name.slice(4)), more: { ...more,
      // What it would need is looked at all the same, for a script that asks what is wrong.
      generateKey(algorithm, extractable, usages) {
        hashOf(algorithm.hash);
        const uses = usesOf(usages, [...publicUses, ...privateUses]);
        if (!uses.some((usage) => privateUses.includes(usage))) fail("SyntaxError", "crypto.subtle: a key that is for nothing");
        const exponent = bytesOf(algorithm.publicExponent).reduce((number, byte) => number * 256 + byte, 0);
        if (exponent !== 3 && exponent !== 65537) fail("OperationError", "crypto.subtle: the public exponent is neither 3 nor 65537");
        fail("NotSupportedError", "crypto.subtle: RSA keys are not made here: it would hold up others");
      } } });
  const agree = (algorithm, key, length) => {
    const theirs = algorithm.public;
    if (!(theirs instanceof CryptoKey)) throw new TypeError("crypto.subtle: `public` is not a CryptoKey");
    if (theirs.type !== "public" || theirs.algorithm.name !== algorithm.name) fail("InvalidAccessError", "crypto.subtle: `public` is not a public key of this algorithm");
    if (theirs[SECRET].kind !== key[SECRET].kind) fail("InvalidAccessError", "crypto.subtle: the keys are of two curves");
    const bits = run(DERIVE, key[SECRET].kind, key[SECRET].der, theirs[SECRET].der);
    if (length === null || length === undefined) return bits;
    if (length > bits.length * 8) fail("OperationError", "crypto.subtle: there are not so many bits");
    const cut = bits.slice(0, Math.ceil(length / 8));
    if (length % 8 !== 0) cut[cut.length - 1] &= 0xff << 8 - length % 8;
    return cut;
  };
  const wholeBytes = (length) => {
    if (length === null || length === undefined || length % 8 !== 0) fail("OperationError", "crypto.subtle: a length in whole bytes is needed");
    return length / 8;
  };
  const pbkdf2 = (algorithm, key, length) => {
    const hash = hashOf(algorithm.hash);
    const salt = bytesOf(algorithm.salt);
    const iterations = Number(algorithm.iterations);
    const bytes = wholeBytes(length);
    if (!(iterations >= 1)) fail("OperationError", "crypto.subtle: PBKDF2 needs iterations");
    const blocks = [];
    const size = HASH_BYTES[hash];
    for (let block = 1; (block - 1) * size < bytes; block++) {
      let u = host.concat([salt, Uint8Array.of(block >>> 24, block >>> 16, block >>> 8, block)]);
      let t = EMPTY;
      for (let done = 0; done < iterations; done += ROUNDS) {
        const both = run(PBKDF2, hash, key[SECRET].bytes, u, t, `${Math.min(ROUNDS, iterations - done)}`);
        u = both.subarray(0, size);
        t = both.subarray(size);
      }
      blocks.push(t);
    }
    return blocks.length === 0 ? EMPTY : host.concat(blocks).slice(0, bytes);
  };
  const hkdf = (algorithm, key, length) =>
    run(HKDF, hashOf(algorithm.hash), key[SECRET].bytes, bytesOf(algorithm.salt), bytesOf(algorithm.info), `${wholeBytes(length)}`);
  const password = (name, deriveBits) => ({
    importKey(format, value, algorithm, extractable, usages) {
      if (format !== "raw") fail("NotSupportedError", `crypto.subtle: no import as "${format}"`);
      if (extractable) fail("SyntaxError", `crypto.subtle: a key of ${name} is not extractable`);
      return makeKey("secret", { name }, false, usages, DERIVE_USES, { bytes: bytesOf(value) });
    },
    keyBits: () => null,
    deriveBits,
  });
  const hmacKey = (algorithm, extractable, usages, bytes) => {
    if (bytes.length === 0) fail("DataError", "crypto.subtle: a key of no bytes");
    const length = algorithm.length ?? bytes.length * 8;
    if (length > bytes.length * 8 || length <= bytes.length * 8 - 8) fail("DataError", "crypto.subtle: the key has not that length");
    return makeKey("secret", { name: "HMAC", hash: { name: hashOf(algorithm.hash) }, length }, extractable, usages, ["sign", "verify"], { bytes });
  };
  const same = (a, b) => {
    let difference = a.length ^ b.length;
    for (let i = 0; i < a.length; i++) difference |= a[i] ^ b[i];
    return difference === 0;
  };

  const edwards = (name) => pair(name, { kty: "OKP", kindOf: () => name, details: () => ({}), publicUses: ["verify"], privateUses: ["sign"], alg: () => name,
    more: { sign: pure(SIGN), verify: (...given) => pure(VERIFY)(...given)[0] === 1 } });
  const montgomery = (name) => pair(name, { kty: "OKP", kindOf: () => name, details: () => ({}), publicUses: [], privateUses: DERIVE_USES, more: { deriveBits: agree } });

  const ALGORITHMS = {
    HMAC: {
      importKey: (format, value, algorithm, extractable, usages) =>
        hmacKey(algorithm, extractable, usages, readSecret(format, value, extractable, usages, () => `HS${hashOf(algorithm.hash).slice(4)}`)),
      generateKey(algorithm, extractable, usages) {
        const bits = algorithm.length ?? BLOCK_BYTES[hashOf(algorithm.hash)] * 8;
        if (!(bits > 0)) fail("OperationError", "crypto.subtle: a key of no bits");
        return hmacKey(algorithm, extractable, usages, randomBytes(Math.ceil(bits / 8)));
      },
      exportKey: (format, key) => writeSecret(format, key, `HS${key.algorithm.hash.name.slice(4).replace("1", "1")}`),
      keyBits: (algorithm) => algorithm.length ?? BLOCK_BYTES[hashOf(algorithm.hash)] * 8,
      sign: (algorithm, { bytes }, input, _, key) => hmac(key.algorithm.hash.name, bytes, input),
      verify: (algorithm, { bytes }, input, signature, key) => same(hmac(key.algorithm.hash.name, bytes, input), signature),
    },
    "AES-GCM": aes("AES-GCM", CIPHER_USES, { encrypt: gcm(true), decrypt: gcm(false) }),
    "AES-CBC": aes("AES-CBC", CIPHER_USES, { encrypt: cbc(true), decrypt: cbc(false) }),
    "AES-CTR": aes("AES-CTR", CIPHER_USES, { encrypt: ctr, decrypt: ctr }),
    "AES-KW": aes("AES-KW", ["wrapKey", "unwrapKey"], { wrap: wrap(true), unwrap: wrap(false) }),
    PBKDF2: password("PBKDF2", pbkdf2),
    HKDF: password("HKDF", hkdf),
    ECDSA: pair("ECDSA", { kty: "EC", kindOf: ({ namedCurve }) => curveOf(namedCurve), details: (_, { kind }) => ({ namedCurve: kind }), publicUses: ["verify"], privateUses: ["sign"],
      more: { sign: ecdsa(SIGN), verify: (...given) => ecdsa(VERIFY)(...given)[0] === 1 } }),
    ECDH: pair("ECDH", { kty: "EC", kindOf: ({ namedCurve }) => curveOf(namedCurve), details: (_, { kind }) => ({ namedCurve: kind }), publicUses: [], privateUses: DERIVE_USES,
      more: { deriveBits: agree } }),
    Ed25519: edwards("Ed25519"),
    Ed448: edwards("Ed448"),
    X25519: montgomery("X25519"),
    X448: montgomery("X448"),
    "RSASSA-PKCS1-v1_5": rsaPair("RSASSA-PKCS1-v1_5", (bits) => `RS${bits}`, ["verify"], ["sign"], { sign: rsa("RSA")(SIGN), verify: (...given) => rsa("RSA")(VERIFY)(...given)[0] === 1 }),
    "RSA-PSS": rsaPair("RSA-PSS", (bits) => `PS${bits}`, ["verify"], ["sign"], { sign: rsa("RSA-PSS")(SIGN), verify: (...given) => rsa("RSA-PSS")(VERIFY)(...given)[0] === 1 }),
    "RSA-OAEP": rsaPair("RSA-OAEP", (bits) => bits === "1" ? "RSA-OAEP" : `RSA-OAEP-${bits}`, ["encrypt", "wrapKey"], ["decrypt", "unwrapKey"], {
      encrypt: (algorithm, secret, input, _, key) => run(ENCRYPT, key.algorithm.hash.name, secret.der, input, algorithm.label === undefined ? EMPTY : bytesOf(algorithm.label)),
      decrypt: (algorithm, secret, input, _, key) => run(DECRYPT, key.algorithm.hash.name, secret.der, input, algorithm.label === undefined ? EMPTY : bytesOf(algorithm.label)),
    }),
  };
  const find = (algorithm, operation) => {
    const found = ALGORITHMS[algorithm.name]?.[operation];
    if (found === undefined) fail("NotSupportedError", `crypto.subtle: ${algorithm.name} has no ${operation}`);
    return found;
  };

  // An algorithm that is for wrapping only has an operation of its own.
  const wrapsWith = (algorithm, own, other) => ALGORITHMS[normal(algorithm).name]?.[own] === undefined ? other : own;
  const operate = (operation, usage, algorithm, key, input, signature) => {
    algorithm = normal(algorithm);
    const bytes = bytesOf(input);
    const call = find(algorithm, operation);
    const secret = check(key, algorithm.name, usage);
    return call(algorithm, secret, bytes, signature, key);
  };
  const derive = (algorithm, key, usage, length) => {
    algorithm = normal(algorithm);
    const call = find(algorithm, "deriveBits");
    check(key, algorithm.name, usage);
    return call(algorithm, key, length);
  };
  const importKey = (format, value, algorithm, extractable, usages) => {
    algorithm = normal(algorithm);
    return find(algorithm, "importKey")(`${format}`, value, algorithm, extractable, usages);
  };
  const exportKey = (format, key) => {
    secretOf(key);
    const call = find(key.algorithm, "exportKey");
    if (!key.extractable) fail("InvalidAccessError", "crypto.subtle: the key is not extractable");
    return call(`${format}`, key);
  };

  class SubtleCrypto {
    async digest(algorithm, input) {
      const { name } = normal(algorithm);
      const bytes = bytesOf(input);
      if (!(name in HASH_BYTES)) fail("NotSupportedError", `crypto.subtle: "${name}" is no hash`);
      return digest(name, bytes).buffer;
    }
    async importKey(format, value, algorithm, extractable, usages) { return importKey(format, value, algorithm, extractable, usages); }
    async exportKey(format, key) { return exportKey(format, key); }
    async generateKey(algorithm, extractable, usages) {
      algorithm = normal(algorithm);
      return find(algorithm, "generateKey")(algorithm, extractable, usages);
    }
    async sign(algorithm, key, input) { return operate("sign", "sign", algorithm, key, input).buffer; }
    async verify(algorithm, key, signature, input) { return operate("verify", "verify", algorithm, key, input, bytesOf(signature)); }
    async encrypt(algorithm, key, input) { return operate("encrypt", "encrypt", algorithm, key, input).buffer; }
    async decrypt(algorithm, key, input) { return operate("decrypt", "decrypt", algorithm, key, input).buffer; }
    async deriveBits(algorithm, key, length = null) { return derive(algorithm, key, "deriveBits", length).slice().buffer; }
    async deriveKey(algorithm, key, wanted, extractable, usages) {
      wanted = normal(wanted);
      const length = find(wanted, "keyBits")(wanted);
      return importKey("raw", derive(algorithm, key, "deriveKey", length), wanted, extractable, usages);
    }
    async wrapKey(format, key, wrapping, algorithm) {
      const exported = exportKey(format, key);
      const bytes = format === "jwk" ? host.encode(JSON.stringify(exported)) : new Uint8Array(exported);
      return operate(wrapsWith(algorithm, "wrap", "encrypt"), "wrapKey", algorithm, wrapping, bytes).buffer;
    }
    async unwrapKey(format, wrapped, unwrapping, algorithm, wanted, extractable, usages) {
      const bytes = operate(wrapsWith(algorithm, "unwrap", "decrypt"), "unwrapKey", algorithm, unwrapping, wrapped);
      return importKey(format, format === "jwk" ? JSON.parse(host.decode(bytes, false)) : bytes, wanted, extractable, usages);
    }
    timingSafeEqual(a, b) {
      a = bytesOf(a);
      b = bytesOf(b);
      if (a.length !== b.length) throw new TypeError("timingSafeEqual: not of one length");
      return same(a, b);
    }
  }

  host.digest = digest;
  for (const type of [CryptoKey, SubtleCrypto]) {
    host.tag(type, type.name);
    host.define(type.name, type);
  }
  const subtle = new SubtleCrypto();
  Object.defineProperty(Crypto.prototype, "subtle", { get: () => subtle, enumerable: true, configurable: true });
}
