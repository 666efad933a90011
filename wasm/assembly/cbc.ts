/** Cipher block chaining over AES and Triple DES, in place, whole blocks. NIST SP 800-38A §6.2. */
import { aesDecrypt, aesEncrypt, aesExpandKey } from './aes';
import { AES_CBC } from './algorithms';
import { tripleDesDecrypt, tripleDesEncrypt, tripleDesExpandKey } from './triple-des';

/** Expands the key of a CBC cipher; a 3DES key has 24 bytes. */
export function cbcExpandKey(cipher: i32, key: usize, length: i32, keys: usize): void {
  if (cipher == AES_CBC) aesExpandKey(key, length, keys);
  else tripleDesExpandKey(key, keys);
}

export function cbcEncrypt(cipher: i32, keys: usize, iv: usize, text: usize, length: i32): void {
  const end = text + length;
  if (cipher == AES_CBC) {
    let chain = v128.load(iv);
    for (let at = text; at < end; at += 16) {
      chain = aesEncrypt(keys, v128.xor(chain, v128.load(at)));
      v128.store(at, chain);
    }
  } else {
    let chain = bswap<u64>(load<u64>(iv));
    for (let at = text; at < end; at += 8) {
      chain = tripleDesEncrypt(keys, chain ^ bswap<u64>(load<u64>(at)));
      store<u64>(at, bswap<u64>(chain));
    }
  }
}

export function cbcDecrypt(cipher: i32, keys: usize, iv: usize, text: usize, length: i32): void {
  const end = text + length;
  if (cipher == AES_CBC) {
    let chain = v128.load(iv);
    for (let at = text; at < end; at += 16) {
      const block = v128.load(at);
      v128.store(at, v128.xor(chain, aesDecrypt(keys, block)));
      chain = block;
    }
  } else {
    let chain = bswap<u64>(load<u64>(iv));
    for (let at = text; at < end; at += 8) {
      const block = bswap<u64>(load<u64>(at));
      store<u64>(at, bswap<u64>(chain ^ tripleDesDecrypt(keys, block)));
      chain = block;
    }
  }
}
