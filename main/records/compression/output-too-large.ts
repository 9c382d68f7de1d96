// What a codec throws when its output would pass the caller's bound; the door turns it into a RecordsError.

export class OutputTooLarge extends Error {
  override readonly name = 'OutputTooLarge';
  constructor(outputBytesMax: number) {
    super(`more than ${outputBytesMax} bytes`);
  }
}
