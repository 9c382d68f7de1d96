// Marks an element for a moment when a value that matters has changed. With reduced motion the mark stands still.

import type { Attachment } from 'svelte/attachments';

const flashMs = 600;
const stillMarkMs = 2_000;

/** Flashes when `value` differs from what it was; never on first sight. */
export function createFlash(read: () => string, colour: string): Attachment<HTMLElement> {
  let known: string | null = null;
  return (element) => {
    const value = read();
    if (known === value) return;
    const first = known === null;
    known = value;
    if (first) return;
    const still =
      matchMedia('(prefers-reduced-motion: reduce)').matches ||
      document.documentElement.dataset['motion'] === 'reduced';
    const mark = `inset 0 0 0 1px ${colour}, inset 0 0 0 40px color-mix(in srgb, ${colour} 28%, transparent)`;
    element.animate(
      still
        ? [{ boxShadow: mark }, { boxShadow: mark }]
        : [{ boxShadow: mark }, { boxShadow: 'inset 0 0 0 1px transparent, inset 0 0 0 40px transparent' }],
      { duration: still ? stillMarkMs : flashMs, easing: 'ease-out' },
    );
  };
}
