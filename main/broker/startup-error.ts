// Why a broker can't start, and what a person can do about it.

export class StartupError extends Error {
  override readonly name = 'StartupError';
  readonly advice: string;
  constructor(message: string, advice: string, cause?: unknown) {
    super(message, { cause });
    this.advice = advice;
  }
}
