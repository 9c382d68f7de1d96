// What a person chose about the look of the page; kept in the browser, forgotten without harm.

export type Theme = 'system' | 'dark' | 'light';
export type Density = 'compact' | 'comfortable';

type Saved = { theme: Theme; density: Density; showInternal: boolean; reduceMotion: boolean; welcomed: boolean };

const storageKey = 'highwater.preferences';
const initial: Saved = {
  theme: 'system',
  density: 'compact',
  showInternal: false,
  reduceMotion: false,
  welcomed: false,
};

export class Preferences {
  theme = $state<Theme>(initial.theme);
  density = $state<Density>(initial.density);
  showInternal = $state(initial.showInternal);
  /** Beside what the operating system asks for, which always holds. */
  reduceMotion = $state(initial.reduceMotion);
  /** Was shown the way to the first drill, or sent it away. */
  welcomed = $state(initial.welcomed);
  /** What the operating system asks for. */
  systemDark = $state(true);

  constructor() {
    const saved = read();
    this.theme = saved.theme;
    this.density = saved.density;
    this.showInternal = saved.showInternal;
    this.reduceMotion = saved.reduceMotion;
    this.welcomed = saved.welcomed;
  }

  get resolvedTheme(): 'dark' | 'light' {
    if (this.theme !== 'system') return this.theme;
    return this.systemDark ? 'dark' : 'light';
  }

  /** Writes the choices to the document and keeps them; to be called inside an effect root. */
  apply(): void {
    const query = matchMedia('(prefers-color-scheme: dark)');
    this.systemDark = query.matches;
    query.addEventListener('change', () => {
      this.systemDark = query.matches;
    });
    $effect(() => {
      document.documentElement.dataset['theme'] = this.resolvedTheme;
      document.documentElement.dataset['density'] = this.density;
      document.documentElement.dataset['motion'] = this.reduceMotion ? 'reduced' : 'full';
      const { theme, density, showInternal, reduceMotion, welcomed } = this;
      write({ theme, density, showInternal, reduceMotion, welcomed });
    });
  }

  nextTheme(): void {
    this.theme = this.theme === 'system' ? 'dark' : this.theme === 'dark' ? 'light' : 'system';
  }
}

function read(): Saved {
  try {
    const saved = JSON.parse(localStorage.getItem(storageKey) ?? '{}') as Partial<Saved>;
    return {
      theme: saved.theme === 'dark' || saved.theme === 'light' ? saved.theme : 'system',
      density: saved.density === 'comfortable' ? 'comfortable' : 'compact',
      showInternal: saved.showInternal === true,
      reduceMotion: saved.reduceMotion === true,
      welcomed: saved.welcomed === true,
    };
  } catch {
    // Storage may be forbidden or hold something else: the defaults do.
    return initial;
  }
}

function write(saved: Saved): void {
  try {
    localStorage.setItem(storageKey, JSON.stringify(saved));
  } catch {
    // Forbidden or full storage costs only that the choice is forgotten.
  }
}
