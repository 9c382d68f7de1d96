// Draws the app's icon and the tray's pictures from SVG with Chromium, into build/resources. Run by hand when a
// drawing changes: `node build/icons.mjs`. The PNGs are kept in the tree, so that a build needs no browser.
import { chromium } from '@playwright/test';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const resources = join(root, 'build/resources');
mkdirSync(join(resources, 'tray'), { recursive: true });

const bar = (x, height, rest = '') =>
  `<rect x="${x}" y="${14 - height}" width="3" height="${height}" rx=".6" ${rest}/>`;
const hollow = 'fill="none" stroke="currentColor" stroke-width="1"';
/** Three brokers; the states differ in shape, so that they read without colour. */
const pictures = {
  ready: bar(2, 12) + bar(6.5, 9) + bar(11, 12),
  degraded: bar(2, 12) + bar(6.5, 9) + `<rect x="11.500" y="5.500" width="2" height="8" rx=".4" ${hollow}/>`,
  failed: '<path d="M3 3l10 10M13 3L3 13" stroke="currentColor" stroke-width="2.400" stroke-linecap="round"/>',
  busy: bar(2, 3) + bar(6.5, 3) + bar(11, 3),
};
const tray = (drawing, colour, plate) =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" style="color:${colour}" fill="currentColor">${plate}${drawing}</svg>`;
const plate = '<rect width="16" height="16" rx="3.500" fill="#0b0e13"/>';

const executablePath = [chromium.executablePath(), '/usr/bin/chromium'].find((path) => existsSync(path));
const browser = await chromium.launch({
  ...(executablePath ? { executablePath } : {}),
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
});
const page = await browser.newPage();

async function draw(svg, size, path) {
  await page.setViewportSize({ width: size, height: size });
  await page.setContent(`<style>*{margin:0}svg{display:block;width:${size}px;height:${size}px}</style>${svg}`);
  writeFileSync(join(resources, path), await page.screenshot({ omitBackground: true }));
}

await draw(readFileSync(join(root, 'renderer/icon.svg'), 'utf8'), 1024, 'icon.png');
for (const [name, drawing] of Object.entries(pictures)) {
  for (const scale of [1, 2]) {
    const suffix = scale === 1 ? '' : '@2x';
    // macOS: black with alpha, coloured by the menu bar. Elsewhere: on a plate of its own, for light and dark panels.
    await draw(tray(drawing, '#000', ''), 16 * scale, `tray/${name}Template${suffix}.png`);
    await draw(
      tray(`<g transform="translate(2 2) scale(.75)">${drawing}</g>`, '#5db8f0', plate),
      16 * scale,
      `tray/${name}${suffix}.png`,
    );
  }
}
await browser.close();
