// What a stage of the run is given, and what it is.

export type Setting = { readonly jars: string; readonly directory: string; say(text: string): void };

export type Stage = {
  readonly name: string;
  readonly title: string;
  run(setting: Setting): Promise<readonly string[]>;
};
