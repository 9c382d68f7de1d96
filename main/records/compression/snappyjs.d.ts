// snappyjs ships no types; only its compressor is used here.

declare module 'snappyjs' {
  const snappy: { compress(source: Uint8Array): Uint8Array };
  export default snappy;
}
