/** The part of asmcrypto.js that is used here: the package has no types for its entry. */
declare module 'asmcrypto.js' {
  export class AES_CBC {
    readonly asm: { set_iv(i0: number, i1: number, i2: number, i3: number): void };
    constructor(key: Uint8Array, iv: Uint8Array | undefined, padding: boolean);
    encrypt(text: Uint8Array): Uint8Array;
    decrypt(text: Uint8Array): Uint8Array;
  }
}
