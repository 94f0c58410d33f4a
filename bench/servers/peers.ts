/**
 * Loads what the benchmark compares with. The peers are installed in bench/
 * only, and not everywhere: their types are written down where they are used,
 * as far as they are used, so that the repository is checked without them.
 */

/** A peer is not installed, or its binary does not run here: its row says so. */
export class PeerMissing extends Error {
  override readonly name = 'PeerMissing';
}

export async function loadPeer<Module>(specifier: string): Promise<Module> {
  try {
    return (await import(specifier)) as Module;
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw new PeerMissing(`${specifier} does not load: ${withoutPaths(reason)}`, { cause: error });
  }
}

/** Messages end up in a committed table: where this repository lies is nobody's business. */
function withoutPaths(text: string): string {
  return text.replaceAll(/(?:file:\/\/)?\/[^\s'"]*\//g, '');
}
