/** Where a Chromium for the browser tests is, on each system. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];

/** Absolute path of a Chromium, Chrome or Edge: `CHROMIUM_PATH`, else one of the usual places; undefined when there is none. */
export function findChromium() {
  const { CHROMIUM_PATH, PATH = '', PROGRAMFILES, LOCALAPPDATA } = process.env;
  const windows = [PROGRAMFILES, process.env['PROGRAMFILES(X86)'], LOCALAPPDATA]
    .filter((folder) => folder !== undefined)
    .flatMap((folder) => [
      join(folder, 'Google/Chrome/Application/chrome.exe'),
      join(folder, 'Microsoft/Edge/Application/msedge.exe'),
    ]);
  const mac = ['Google Chrome', 'Chromium', 'Microsoft Edge'].map(
    (app) => `/Applications/${app}.app/Contents/MacOS/${app}`,
  );
  const unix = PATH.split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)));
  const places = { win32: windows, darwin: [...mac, ...unix] }[process.platform] ?? unix;
  return [CHROMIUM_PATH, ...places].find((path) => path && existsSync(path));
}
