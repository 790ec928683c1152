/** Opens the user's browser at a web address. A machine without one is no error: the address is printed as well. */
export async function openBrowser(url: string): Promise<void> {
  if (!/^https?:\/\//.test(url)) return;
  try {
    const { default: open } = await import('open');
    const opener = await open(url);
    opener.on('error', () => {});
  } catch {
    // No browser, no display: the person opens the printed address elsewhere.
  }
}
