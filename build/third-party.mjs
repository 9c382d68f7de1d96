// The licences of what is bundled: a bundle carries other people's code, so their texts travel with it.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

/** A Vite plugin that notes the modules which reached the page. */
export function notingModules(/** @type {Set<string>} */ modules) {
  return {
    name: 'noting-modules',
    /** @param {unknown} _options @param {Record<string, { modules?: Record<string, unknown> }>} output */
    generateBundle(_options, output) {
      for (const chunk of Object.values(output)) for (const id of Object.keys(chunk.modules ?? {})) modules.add(id);
    },
  };
}

/** Writes the name, version and licence text of each package that one of `modules` (paths) belongs to. */
export function writeLicences(root, modules, target) {
  const folders = new Set([...modules].map((module) => packageFolder(root, module)).filter((each) => each !== null));
  const texts = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
    const file = readdirSync(join(root, folder)).find((each) => /^(licen[cs]e|copying)/i.test(each));
    const text = file === undefined ? '' : readFileSync(join(root, folder, file), 'utf8').trim();
    return `${name} ${version} (${license ?? 'see below'})\n\n${text}`.trim();
  });
  writeFileSync(target, `${texts.join(`\n\n${'─'.repeat(80)}\n\n`)}\n`);
}

/** `node_modules/NAME` of a module's path; null when it is our own or virtual. */
function packageFolder(root, module) {
  const path = (module.startsWith(root) ? relative(root, module) : module).replace(/^\0/, '').split(sep).join('/');
  const match = /^(node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/?]+)/.exec(path);
  const folder = match?.[1];
  return folder !== undefined && existsSync(join(root, folder, 'package.json')) ? folder : null;
}
