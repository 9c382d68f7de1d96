// The renderer's built files, for both shells that serve them: found inside their folder and nowhere else, with the
// type and the headers of each.

import { readFile } from 'node:fs/promises';
import { extname, join, normalize, sep } from 'node:path';

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
};

/** What a page of ours may load and do; `connect` names where else than its own origin it may talk to. */
export function pageHeaders(connect: readonly string[]): Record<string, string> {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "style-src-attr 'unsafe-inline'",
    "font-src 'self'",
    "img-src 'self' data:",
    `connect-src ${["'self'", ...connect].join(' ')}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    'content-security-policy': policy.join('; '),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
  };
}

/** The file that a page's address names, or null when there is none inside `root`. */
export async function rendererFile(
  root: string,
  address: string,
): Promise<{ readonly body: Uint8Array<ArrayBuffer>; readonly contentType: string } | null> {
  const path = decodedPath(address);
  if (path === null) return null;
  const file = normalize(join(root, path === '/' ? 'index.html' : path));
  if (!file.startsWith(normalize(root) + sep)) return null;
  try {
    const body = new Uint8Array(await readFile(file));
    return { body, contentType: contentTypes[extname(file)] ?? 'application/octet-stream' };
  } catch {
    // Missing, or a folder: both are no file of ours.
    return null;
  }
}

function decodedPath(address: string): string | null {
  try {
    return decodeURIComponent(new URL(address, 'http://localhost').pathname);
  } catch {
    return null;
  }
}
